"""The command line: it starts the work and speaks to the user; it holds no logic of its own."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(
    help="Where should housing for older people go? Walking reach to services, per parcel.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

STAGES = (
    "parcels", "boundary", "parcels", "streets and services", "other layers",
    "network", "reach", "score", "robustness", "areas", "scenarios", "writing results",
)  # fmt: skip
INTERRUPTED = 130
SHOWN = 10  # names of a list that the terminal shows; run.json has them all

Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress, only results and errors.")]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Tell more; show where errors arose.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results.")]
Language = Annotated[
    Literal["nb", "en"] | None, typer.Option("--language", help="nb or en; else the run's.")
]
StrategyFile = Annotated[Path, typer.Argument(help="The strategy file (TOML).")]


def main() -> None:
    """Run the command line."""
    app(prog_name="arealstrategi")


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        from importlib.metadata import version

        typer.echo(f"arealstrategi {version('arealstrategi')}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command()
def demo(out: Out = None, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Run the main job on an invented municipality: no network, no files needed."""
    with _told_clearly(verbose), _progress(quiet, verbose) as progress:
        from arealstrategi.sources.demo import NOTICE, write_demo
        from arealstrategi.strategy import Strategy

        folder = Path("outputs/demo") if out is None else out
        progress("the invented municipality")
        strategy = Strategy.read(write_demo(folder / "input"))
        _run(strategy, folder, progress, notes=(NOTICE[strategy.language],), quiet=quiet)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="The strategy file to write.")],
    kommune: Annotated[
        str | None, typer.Option("--kommune", help="Four digits, such as 3907.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Write a commented strategy file that runs once its paths are filled in."""
    with _told_clearly(verbose):
        from arealstrategi.starter import write_starter

        write_starter(file, kommune)
        typer.echo(file)


@app.command()
def check(
    strategy: StrategyFile,
    as_json: Annotated[
        bool, typer.Option("--json", help="For machines: the same as one JSON document.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Read every input and show what was understood; writes no result."""
    with _told_clearly(verbose), _progress(quiet, verbose) as progress:
        from arealstrategi import analysis
        from arealstrategi.strategy import Strategy

        plan = Strategy.read(strategy)
        reports, problems = analysis.check(plan, progress=progress)
        progress("")
        if as_json:
            _print_json(plan, reports, problems)
        else:
            _show_reports(reports)
        for problem in problems:
            typer.echo(f"Error: {problem}", err=True)
        if problems:
            raise typer.Exit(1)


@app.command()
def run(
    strategy: StrategyFile, out: Out = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Score every parcel and write the map, the GeoPackage and the ranking."""
    with _told_clearly(verbose), _progress(quiet, verbose) as progress:
        from arealstrategi.strategy import Strategy

        plan = Strategy.read(strategy)
        _run(plan, out or plan.output_folder, progress, quiet=quiet)


@app.command()
def explain(
    output: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    parcel: Annotated[
        list[str], typer.Argument(help="Ids, cadastral numbers or labels of parcels or sites.")
    ],
    language: Language = None,
    verbose: Verbose = False,
) -> None:
    """Tell why parcels have their scores."""
    with _told_clearly(verbose):
        from arealstrategi.review import explain_outputs

        typer.echo(explain_outputs(output, parcel, language))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    after: Annotated[Path, typer.Argument(help="The folder of another.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the difference as layer and JSON.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many ranks are the top.")] = 20,
    language: Language = None,
    verbose: Verbose = False,
) -> None:
    """Tell what differs between two runs, and why."""
    with _told_clearly(verbose):
        from arealstrategi.review import compare_outputs

        names = before.resolve().name, after.resolve().name
        folder = out or after.resolve().parent / "-".join(names)
        text, written = compare_outputs(before, after, folder, top=top, language=language)
        typer.echo(text, err=True)
        for path in written:
            typer.echo(path)


@app.command()
def fetch(
    kommune: Annotated[str, typer.Argument(help="Four digits, such as 3907.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the files.")] = Path("data/raw"),
    only: Annotated[
        str, typer.Option("--only", help="Some of parcels,borders,population,elevation,osm.")
    ] = "",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download open official data of a municipality, with date, licence and checksum."""
    with _told_clearly(verbose), _progress(quiet, verbose) as progress:
        from arealstrategi import fetching

        chosen = [name.strip() for name in only.split(",") if name.strip()] or None
        files = []
        try:
            files = fetching.fetch(kommune, folder=out, only=chosen, progress=progress)
        except fetching.UnfinishedError as error:
            files = list(error.files)
            raise
        finally:
            progress("")
            for file in files:
                typer.echo(file.path)
            if files:
                typer.echo(fetching.strategy_snippet(files), err=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the strategy file, for editors."""
    import json

    from arealstrategi.strategy import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _run(
    plan: Any,  # noqa: ANN401
    folder: Path,
    progress: Any,  # noqa: ANN401
    *,
    quiet: bool,
    notes: tuple[str, ...] = (),
) -> None:
    from dataclasses import replace

    from arealstrategi import analysis

    result = replace(analysis.run(plan, progress=progress), notes=notes)
    progress("writing results")
    written = result.write(folder)
    progress("")
    counts = result.parcels["class"].value_counts()
    for warning in result.warnings:
        typer.echo(f"Note: {warning}", err=True)
    told = ", ".join(f"{counts.get(name, 0)} {name.replace('_', ' ')}" for name in _classes())
    typer.echo(f"{len(result.parcels)} parcels: {told}", err=True)
    if not quiet:
        _show_top(result.top)
    for scenario in result.scenarios:
        moved = scenario.comparison
        up, down = moved.counts["class_up"], moved.counts["class_down"]
        typer.echo(
            f"Scenario {scenario.name}: {up} parcels change to a better class, {down} to a worse "
            f"one; {len(moved.entering)} enter the top",
            err=True,
        )
    for path in written:
        typer.echo(path)


def _show_top(best: Any) -> None:  # noqa: ANN401
    """Show the best parcels with the ranks they keep in nine of ten trials."""
    if not len(best):
        return
    bands = "rank_p05" in best
    head = "rank  score  class" + ("           in 9 of 10 trials  at the top" if bands else "")
    typer.echo(f"The best:\n  {head}", err=True)
    for parcel, row in best.iterrows():
        told = f"{row['rank']:>4}  {row['score']:5.1f}  {row['class']:<14}"
        if bands:
            band = f"{row['rank_p05']}–{row['rank_p95']}"
            told += f"  {band:>17}  {100 * row['top_share']:8.0f} %"
        typer.echo(f"  {told}  {parcel}", err=True)


def _classes() -> tuple[str, ...]:
    from arealstrategi.tables import CLASSES

    return CLASSES


@contextmanager
def _told_clearly(verbose: bool) -> Iterator[None]:  # noqa: FBT001
    """Turn every end of a command into one clear message and the right exit code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Interrupted. Nothing half-written was left.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        from arealstrategi.errors import ArealstrategiError, without_secrets

        if isinstance(error, typer.Exit):
            raise
        known = isinstance(error, ArealstrategiError)
        text = str(error) if known else f"unexpected {type(error).__name__}: {error}"
        text = without_secrets(text)
        typer.echo(f"Error: {text}", err=True)
        if not known:
            typer.echo(
                "This is a fault in arealstrategi; run again with -v and report it.", err=True
            )
        if verbose:
            import traceback

            told = "".join(traceback.format_exception(error))
            typer.echo(without_secrets(told), err=True)
        raise typer.Exit(1) from None


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _progress(quiet: bool, verbose: bool) -> Iterator[Any]:  # noqa: FBT001
    """Show stages on standard error: a bar on a terminal, plain lines otherwise."""
    _log(verbose)
    if quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield lambda name: typer.echo(f"{name} …", err=True) if name else None
    else:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=len(STAGES))
            yield lambda name: bar.update(task, advance=1, description=name)


class _Discreet(logging.Formatter):
    """Log lines without passwords and keys."""

    def format(self, record: logging.LogRecord) -> str:
        from arealstrategi.errors import without_secrets

        return without_secrets(super().format(record))


def _log(verbose: bool) -> None:  # noqa: FBT001
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    for noisy in ("rasterio", "pyogrio", "fiona"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def _print_json(plan: Any, reports: list[Any], problems: list[Any]) -> None:  # noqa: ANN401
    import json

    from arealstrategi.provenance import report_facts, sha256

    sums = {path: sha256(path) for path in {path for report in reports for path in report.files}}
    told = {
        "ok": not problems,
        "problems": [{"message": problem.message, "hint": problem.hint} for problem in problems],
        "inputs": [report_facts(report, sums) for report in reports],
    }
    typer.echo(json.dumps(plan.told(told), ensure_ascii=False, indent=2, allow_nan=False))


def _show_reports(reports: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from arealstrategi.errors import without_secrets

    width = None if sys.stdout.isatty() else 120
    console = Console(width=width, highlight=False)
    for report in reports:
        title = without_secrets(f"{report.role}: {report.source}")
        table = Table(title=Text(title), title_justify="left", box=None)
        table.add_column("", style="bold")
        table.add_column("")
        told = {"what it is": report.what, "date": report.date, "licence": report.licence}
        rows = {**{name: text for name, text in told.items() if text}, **report.facts}
        for name, value in rows.items():
            table.add_row(Text(name), Text("–" if value is None else str(value)))
        for text in report.warnings:
            table.add_row(Text("note"), Text(text, style="yellow"))
        console.print(table)
        for reason, names in report.listed.items():
            more = f" … and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            shown = ", ".join(names[:SHOWN]) + more
            console.print(Text(f"  {reason}: {shown}"))
        console.print()
