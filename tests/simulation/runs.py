"""Simulations by seed, and what they found."""

import tempfile
from pathlib import Path

from tuiconsole.engine.simulated_faults import FaultRates
from tuiconsole.engine.simulation import Simulation, SimulationResult

TRIPS = "broker,crash,trip=0.1"
CORPUS = Path(__file__).with_name("corpus.txt")


def simulated(seed: int, faults: str = "all", bars: int = 100, symbols: int = 6) -> SimulationResult:
    """One simulation of default settings."""
    with tempfile.TemporaryDirectory() as folder:
        return Simulation(seed, FaultRates.parse(faults), bars, symbols, Path(folder)).run()


def again(seed: int, faults: str, bars: int, symbols: int = 6) -> str:
    """The one command that repeats a simulation."""
    return f"tuiconsole simulate --seed {seed} --faults {faults} --bars {bars} --symbols {symbols}"


def corpus() -> list[tuple[int, int, int, str]]:
    """The seeds that found something once: seed, bars, symbols, faults."""
    lines = [line.split() for line in CORPUS.read_text(encoding="utf-8").splitlines()]
    kept = [words for words in lines if words and not words[0].startswith("#")]
    return [(int(seed), int(bars), int(symbols), faults) for seed, bars, symbols, faults in kept]


def remember(seed: int, bars: int, symbols: int, faults: str) -> None:
    """Add a seed that found something to the corpus."""
    if (seed, bars, symbols, faults) not in corpus():
        with CORPUS.open("a", encoding="utf-8") as file:
            file.write(f"{seed} {bars} {symbols} {faults}\n")
