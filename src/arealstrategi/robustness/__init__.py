"""How sure the order of the parcels is: weights, distances and methods are varied.

The first place is told with the room each weight has before it changes hands (closed form); ranks
are told as bands over random weights and random distances (stochastic multicriteria acceptability
analysis, Lahdelma and Salminen 2001); other methods are set beside the strategy's own. All of it
needs parcels × criteria only, never parcels × ranks, and the same seed gives the same result on
any number of cores.
"""

from arealstrategi.robustness.acceptability import Acceptability, rank_acceptability
from arealstrategi.robustness.distances import Near, vary_distances
from arealstrategi.robustness.intervals import most_critical, weight_intervals
from arealstrategi.robustness.methods import compare_methods, topsis
from arealstrategi.robustness.options import RobustnessOptions
from arealstrategi.robustness.overall import Robustness, vary
from arealstrategi.robustness.ranking import Rule
from arealstrategi.robustness.sampling import sample_weights
from arealstrategi.robustness.variance import Multipliers, variance_split

__all__ = [
    "Acceptability",
    "Multipliers",
    "Near",
    "Robustness",
    "RobustnessOptions",
    "Rule",
    "compare_methods",
    "most_critical",
    "rank_acceptability",
    "sample_weights",
    "topsis",
    "variance_split",
    "vary",
    "vary_distances",
    "weight_intervals",
]
