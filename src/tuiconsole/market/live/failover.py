"""A line of live feeds, the best first: when one fails the next takes over, and it takes back after a stable time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import FeedError
from tuiconsole.domain.events import FeedStatus
from tuiconsole.market.live.contract import FeedAnswer, LiveFeed


class FeedLine:
    """Live feeds of which one is used at a time; every change is news.

    It never turns to recorded history: when all feeds fail there are no bars.

    Parameters
    ----------
    failback_s
        Seconds for which a better feed must have answered every probe before it takes back.
    """

    def __init__(self, feeds: Sequence[LiveFeed], clock: Clock, failback_s: float) -> None:
        self._feeds = tuple(feeds)
        self._clock = clock
        self._failback_ns = int(failback_s * NANOSECONDS_PER_SECOND)
        self._used = 0
        self._well_since: dict[int, int] = {}
        self._failed: set[int] = set()

    @property
    def name(self) -> str:
        """The feed in use."""
        return self._feeds[self._used].name

    @property
    def failing(self) -> tuple[str, ...]:
        """Names of the feeds that did not answer when they were last asked, the best first."""
        return tuple(feed.name for i, feed in enumerate(self._feeds) if i in self._failed)

    @property
    def family(self) -> str:
        """Family of the best feed, which names the tape."""
        return self._feeds[0].family

    async def open(self) -> None:
        """Open the best feed; the others when they are needed."""
        await self._feeds[0].open()

    async def close(self) -> None:
        """Close them all."""
        for feed in self._feeds:
            await feed.close()

    async def bars(self, after: int, until: int) -> FeedAnswer:
        """What the feed in use has, or the next one that works.

        Raises
        ------
        FeedFailure
            No feed works; it carries the news of which failed and why.
        """
        news = await self._take_back()
        return await self._first(lambda feed: feed.bars(after, until), news)

    async def history(self, count: int, until: int) -> FeedAnswer:
        """The history of the first feed that has one; errors as in :meth:`bars`."""
        return await self._first(lambda feed: feed.history(count, until), [])

    async def _first(
        self, ask: Callable[[LiveFeed], Awaitable[FeedAnswer]], news: list[FeedStatus]
    ) -> FeedAnswer:
        order = [self._used, *(i for i in range(len(self._feeds)) if i != self._used)]
        for i in order:
            feed = self._feeds[i]
            try:
                await feed.open()
                answer = await ask(feed)
            except FeedError as error:
                self._well_since.pop(i, None)
                if i not in self._failed:
                    self._failed.add(i)
                    news.append(FeedStatus(feed.name, "feed failed", f"Feed {feed.name} failed: {error}"))
                continue
            if i in self._failed:
                self._failed.discard(i)
                news.append(FeedStatus(feed.name, "feed back", f"Feed {feed.name} answers again."))
            if i != self._used:
                news.append(self._switch(i))
            return FeedAnswer(answer.bars, answer.complete, (*news, *answer.news))
        raise FeedFailure("No live feed answers.", tuple(news))

    async def _take_back(self) -> list[FeedStatus]:
        """Probe the feeds better than the one in use; the best that was well for long enough takes back."""
        now = self._clock.now_ns()
        for i in range(self._used):
            try:
                await self._feeds[i].probe()
            except FeedError:
                self._well_since.pop(i, None)
                continue
            if now - self._well_since.setdefault(i, now) >= self._failback_ns:
                self._failed.discard(i)
                return [self._switch(i)]
        return []

    def _switch(self, to: int) -> FeedStatus:
        before, self._used = self._feeds[self._used].name, to
        self._well_since.pop(to, None)
        return FeedStatus(
            self.name, "feed switched", f"Prices come from {self.name} now, no longer from {before}."
        )


class FeedFailure(FeedError):
    """No feed of a line works; ``news`` says what became of each."""

    def __init__(self, what: str, news: tuple[FeedStatus, ...]) -> None:
        super().__init__(what)
        self.news = news
