"""The verbs of data: bars into the history store, and what the store holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tuiconsole.cli_options import ConfigOption, JsonOption, emit, shared_place, text_width

data_app = typer.Typer(help="Bars into the history store, and what it holds.", no_args_is_help=True)


@data_app.command("import")
def data_import(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A CSV or Parquet file, or a folder of them.")],
    config: ConfigOption = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of the bars; default found out.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Zone of times that carry none, e.g. America/New_York.")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", help="What a time names, start or end of a bar; default found out."),
    ] = None,
    adjusted: Annotated[
        bool | None,
        typer.Option(
            "--adjusted/--raw", help="Prices are adjusted, or as traded; default what the layout says."
        ),
    ] = None,
    universe: Annotated[
        str | None, typer.Option("--universe", help="Keep the symbols as a list of this name.")
    ] = None,
    dates: Annotated[
        str | None,
        typer.Option(
            "--dates", help="03/04/2020 is day-first or month-first; default where the files prove it."
        ),
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(
            "--decimal", help="Decimals follow a point or a comma; default where the files prove it."
        ),
    ] = None,
    spelling: Annotated[
        str | None,
        typer.Option("--spelling", help="Symbols of yahoo, alpaca, alpha_vantage, stooq; keep: as they are."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring files of bars into the history store: all of them, or nothing when one is wrong."""
    from tuiconsole.verbs.data import ImportRequest, import_text, run_import

    words = [word or "" for word in (interval, timezone, label, universe, dates, decimal, spelling)]
    place = shared_place(context, config, None)
    shown = sys.stderr.isatty() and not as_json
    body = run_import(place, ImportRequest(path, adjusted, *words), progress=shown)
    emit(body, as_json, "" if as_json else import_text(body))


@data_app.command("pull")
def data_pull(
    context: typer.Context,
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Symbols, e.g. AAPL BRK.B SHOP.TO BTC-USD.")
    ] = None,
    config: ConfigOption = None,
    universe: Annotated[
        str | None, typer.Option("--universe", help="The symbols of a list, see data universes.")
    ] = None,
    interval: Annotated[
        str, typer.Option("--interval", help="Length of the bars: 1min, 5min, 15min, 30min, 1h, 1day.")
    ] = "1day",
    start: Annotated[
        str | None,
        typer.Option("--start", help="First day; default ten years of days, a month of shorter bars."),
    ] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last day; default today.")] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Only this vendor: yahoo, alpaca or alpha_vantage.")
    ] = None,
    what: Annotated[
        str,
        typer.Option(
            "--what", help="bars, actions, fundamentals, insider, macro, movers, news, transcripts."
        ),
    ] = "bars",
    quarter: Annotated[
        str | None, typer.Option("--quarter", help="Fiscal quarter of the transcripts, e.g. 2024Q1.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring bars with splits and dividends, reports, the economy or news from vendors; goes on where it was."""
    from tuiconsole.verbs.pull import Request, pull_text, run_pull

    request = Request(
        tuple(symbols or ()),
        universe or "",
        interval,
        start or "",
        end or "",
        provider or "",
        what,
        quarter or "",
    )
    body = run_pull(
        shared_place(context, config, None), request, progress=sys.stderr.isatty() and not as_json
    )
    emit(body, as_json, "" if as_json else pull_text(body))
    raise typer.Exit(1 if body["sentence"] else 0)


@data_app.command("import-macro")
def data_import_macro(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(help="CSV or Parquet: ts, series, value and where known release, source.")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring series of the economy into the history, each value from its release on."""
    from tuiconsole.verbs.known import import_macro_text, run_import_macro

    body = run_import_macro(shared_place(context, config, None), path)
    emit(body, as_json, "" if as_json else import_macro_text(body))


@data_app.command("known")
def data_known(
    context: typer.Context,
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Companies to tell about; default the economy alone.")
    ] = None,
    config: ConfigOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Moment, e.g. 2020-03-20; default now.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What was known at a moment: the economy, ratios of companies, news and events; nothing released later."""
    from tuiconsole.verbs.known import known_text, run_known

    body = run_known(shared_place(context, config, None), tuple(symbols or ()), as_of or "")
    emit(body, as_json, "" if as_json else known_text(body))


@data_app.command("info")
def data_info(
    context: typer.Context,
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Instruments to show in full; default all in short.")
    ] = None,
    config: ConfigOption = None,
    interval: Annotated[
        str | None, typer.Option("--interval", help="Length of the bars; default all stored.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What the history store holds: ranges, gaps, zero volumes, quarantined rows, feed switches, missing splits."""
    from tuiconsole.verbs.data_info import data_info, info_text

    body = data_info(shared_place(context, config, None), symbols or (), interval)
    emit(body, as_json, "" if as_json else info_text(body, named=bool(symbols)))


@data_app.command("aggregate")
def data_aggregate(
    context: typer.Context,
    symbols: Annotated[list[str] | None, typer.Argument(help="Symbols; default all.")] = None,
    interval: Annotated[
        str, typer.Option("--interval", help="Length to make: 5min, 15min, 1h, 1day, …")
    ] = "1day",
    source: Annotated[
        str, typer.Option("--from", help="Length to make them of; default the coarsest that is finer.")
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Coarser bars of stored ones, cut from each session's open; unfinished intervals are left out."""
    from tuiconsole.verbs.aggregating import aggregate_text, run_aggregate

    body = run_aggregate(shared_place(context, config, None), interval, source, symbols or ())
    emit(body, as_json, "" if as_json else aggregate_text(body))


@data_app.command("import-ticks")
def data_import_ticks(
    context: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(help="Parquet or CSV: ts, symbol, price, size; where known bid, ask and their sizes."),
    ],
    interval: Annotated[
        str, typer.Option("--interval", help="Length of the bars: 5s, 1min, 5min, …")
    ] = "1min",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trades and quotes into bars with the last quote and signed volume; a side of 0 was not updated."""
    from tuiconsole.verbs.aggregating import import_ticks_text, run_import_ticks

    body = run_import_ticks(shared_place(context, config, None), path, interval)
    emit(body, as_json, "" if as_json else import_ticks_text(body))


@data_app.command("import-books")
def data_import_books(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Recorded messages of Binance, Kraken or Coinbase (several files are one stream), or one table of levels."
        ),
    ],
    interval: Annotated[str, typer.Option("--interval", help="Length of the bars: 1s, 5s, 1min, …")] = "1s",
    levels: Annotated[
        int, typer.Option("--levels", min=1, max=5000, help="Levels of each side that count as depth.")
    ] = 10,
    day: Annotated[str, typer.Option("--day", help="Day of LOBSTER's rows, e.g. 2012-06-21.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Store nothing; exit 1 unless every book is sound.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Order books rebuilt exactly from recorded feeds: gaps, checksums, spreads, and bars with quotes and depth."""
    from tuiconsole.verbs.books import import_books_text, run_import_books

    body = run_import_books(shared_place(context, config, None), paths, interval, levels, day, check)
    emit(body, as_json, "" if as_json else import_books_text(body))
    raise typer.Exit(1 if check and not body["sound"] else 0)


@data_app.command("universes")
def data_universes(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A list to show; default all in short.")] = None,
    config: ConfigOption = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Write a packaged list into your folder, to edit it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Lists of symbols for --universe: stored ones, your own files, and those that come with the program."""
    from tuiconsole.verbs.universes import universes, universes_text

    body = universes(shared_place(context, config, None), name, copy=copy)
    emit(body, as_json, "" if as_json else universes_text(body, text_width()))


def register(app: typer.Typer) -> None:
    """Name these verbs on the command line."""
    app.add_typer(data_app, name="data")
