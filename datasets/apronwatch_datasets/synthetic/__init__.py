"""Synthetic scenes with exact truth: drawn from parameters, on numpy and OpenCV alone.

They are there for tests and for the demo. They do not stand for real accuracy.
"""

from apronwatch_datasets.synthetic.drawing import Picture, draw
from apronwatch_datasets.synthetic.scenario_files import ScenarioFiles, site_of, write_scenario
from apronwatch_datasets.synthetic.scenarios import SCENARIOS, drawdown
from apronwatch_datasets.synthetic.small import DrawnScene, drawn_scene
from apronwatch_datasets.synthetic.spec import Base, Look, Parked, Scenario
from apronwatch_datasets.synthetic.truth import TrueObject, Truth

__all__ = [
    "SCENARIOS",
    "Base",
    "DrawnScene",
    "Look",
    "Parked",
    "Picture",
    "Scenario",
    "ScenarioFiles",
    "TrueObject",
    "Truth",
    "draw",
    "drawdown",
    "drawn_scene",
    "site_of",
    "write_scenario",
]
