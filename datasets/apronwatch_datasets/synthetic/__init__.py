"""Synthetic scenes with exact truth: drawn from parameters, on numpy and OpenCV alone.

They are there for tests, for the demo, and as part of the training mix. They do not stand for real accuracy.
"""

from apronwatch_datasets.synthetic.drawing import Picture, draw
from apronwatch_datasets.synthetic.scenario_files import ScenarioFiles, site_of, synthesize, write_scenario
from apronwatch_datasets.synthetic.scenario_reading import ScenarioTitle, list_scenarios, read_scenario
from apronwatch_datasets.synthetic.small import DrawnScene, drawn_scene
from apronwatch_datasets.synthetic.spec import Base, Look, Parked, Scenario
from apronwatch_datasets.synthetic.truth import TrueObject, Truth

__all__ = [
    "Base",
    "DrawnScene",
    "Look",
    "Parked",
    "Picture",
    "Scenario",
    "ScenarioFiles",
    "ScenarioTitle",
    "TrueObject",
    "Truth",
    "demo_scenario",
    "draw",
    "drawn_scene",
    "list_scenarios",
    "read_scenario",
    "site_of",
    "synthesize",
    "write_scenario",
]


def demo_scenario() -> Scenario:
    """The demo's scenario: eight looks in two months at an invented base that loads up and leaves."""
    (scenario,) = read_scenario("demo")
    return scenario
