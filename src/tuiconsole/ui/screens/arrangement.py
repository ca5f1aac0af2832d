"""Where everything stands for a given terminal size. Pure, so that it can be tested without a terminal."""

from __future__ import annotations

from dataclasses import dataclass

PANELS = ("positions", "pnl", "signals", "risk", "orders", "agents")
HEADER_ROWS = 2
SHEET_WIDTH = 112
LEAST_MARGINS = 24
TWO_COLUMNS = (100, 32)
THREE_COLUMNS = (180, 48)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in terminal cells."""

    x: int
    y: int
    width: int
    height: int


def is_compact(width: int, height: int) -> bool:
    """True when only one panel and the risk panel fit."""
    return width < TWO_COLUMNS[0] or height < TWO_COLUMNS[1]


def arrange(
    width: int,
    height: int,
    *,
    chosen: str,
    maximised: bool,
    banner_rows: int = 0,
    limits: int = 10,
    agents: int = 5,
) -> dict[str, Box]:
    """Boxes of everything that is shown; what is missing is hidden.

    Parameters
    ----------
    chosen
        The panel to show where not all fit, or alone when ``maximised``.
    limits, agents
        How many rows the risk and agents panels have, so that they get the room they need.
    """
    boxes = {"header": Box(0, 0, width, HEADER_ROWS)}
    top = HEADER_ROWS
    if banner_rows:
        boxes["banner"] = Box(0, top, width, banner_rows)
        top += banner_rows
    compact = is_compact(width, height)
    if compact:
        boxes["tabs"] = Box(0, top, width, 1)
        top += 1
    boxes["alerts"] = Box(0, height - 2, width, 1)
    boxes["footer"] = Box(0, height - 1, width, 1)
    body = Box(0, top, width, max(1, height - 2 - top))
    if maximised or (compact and chosen == "risk"):
        boxes[chosen] = body
    elif compact:
        boxes |= _stacked(body, chosen, limits)
    elif width >= THREE_COLUMNS[0] and height >= THREE_COLUMNS[1]:
        boxes |= _three_columns(body, limits, agents)
    else:
        boxes |= _two_columns(body, limits, agents)
    return boxes


def sheet_box(width: int, height: int, banner_rows: int) -> Box:
    """Where a sheet lies: over the panels, between the lines above and below them."""
    wide = width if width <= SHEET_WIDTH + LEAST_MARGINS else SHEET_WIDTH
    top = HEADER_ROWS + banner_rows
    return Box((width - wide) // 2, top, wide, max(1, height - 2 - top))


def _stacked(body: Box, chosen: str, limits: int) -> dict[str, Box]:
    wide = body.width >= 78
    wanted = (limits + 1) // 2 + 4 if wide else limits + 4
    risk = max(5, min(wanted, body.height // 2))
    above = body.height - risk
    return {
        chosen: Box(body.x, body.y, body.width, above),
        "risk": Box(body.x, body.y + above, body.width, risk),
    }


def _two_columns(body: Box, limits: int, agents: int) -> dict[str, Box]:
    left = body.width * 53 // 100
    right = body.width - left
    third = body.height // 3
    agents_height = min(agents + 3, body.height // 4)
    risk = min(limits + 6, (body.height - agents_height) * 3 // 5)
    pnl = body.height - risk - agents_height
    return {
        "positions": Box(0, body.y, left, body.height - 2 * third),
        "signals": Box(0, body.y + body.height - 2 * third, left, third),
        "orders": Box(0, body.y + body.height - third, left, third),
        "pnl": Box(left, body.y, right, pnl),
        "risk": Box(left, body.y + pnl, right, risk),
        "agents": Box(left, body.y + pnl + risk, right, agents_height),
    }


def _three_columns(body: Box, limits: int, agents: int) -> dict[str, Box]:
    right = max(60, body.width * 31 // 100)
    rest = body.width - right
    left = rest // 2
    upper = max(14, body.height * 46 // 100)
    agents_height = min(agents + 3, body.height // 4)
    risk = min(limits + 6, body.height * 2 // 5)
    pnl = body.height - risk - agents_height
    return {
        "positions": Box(0, body.y, left, upper),
        "signals": Box(left, body.y, rest - left, upper),
        "orders": Box(0, body.y + upper, rest, body.height - upper),
        "pnl": Box(rest, body.y, right, pnl),
        "risk": Box(rest, body.y + pnl, right, risk),
        "agents": Box(rest, body.y + pnl + risk, right, agents_height),
    }
