"""Which broker a desk trades with, and with whose money, as the command line says it."""

from __future__ import annotations

from dataclasses import replace

from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.brokers import check_limits
from tuiconsole.verbs.common import Place

BROKERS = ("alpaca",)


def on_broker(place: Place, broker: str, confirmed: str | None) -> Place:
    """``place`` with the orders going to ``broker``; real money when something was typed to confirm it.

    Raises :class:`UsageError` for a broker that there is not, and for real money on limits nobody set.
    """
    settings = place.config.desk
    live = confirmed is not None
    if not broker and not live:
        return place
    if broker not in BROKERS:
        raise UsageError(f"Unknown broker {broker!r}.", f"Known: {', '.join(BROKERS)}.")
    settings = replace(settings, broker=replace(settings.broker, name="alpaca", live=live))
    if live:
        check_limits(settings)
    arguments = (*place.arguments, "--broker", broker)
    if confirmed is not None:
        arguments += ("--live", "--confirm", confirmed)
    return replace(place, config=replace(place.config, desk=settings), arguments=arguments)
