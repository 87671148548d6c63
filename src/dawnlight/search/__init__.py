"""What is searched for, and what it means: expressions, queries, and one evaluator that defines both.

Pure: no store and no object of the catalog is known here. A store that answers a `Query` must give what
`run` gives over all its documents.
"""

from dawnlight.search._check import normalize_expression
from dawnlight.search._cql2 import to_cql2
from dawnlight.search._cql2_reader import from_cql2
from dawnlight.search._documents import KINDS, Document, Kind
from dawnlight.search._evaluate import compile_expression, evaluate, evaluate_object
from dawnlight.search._expressions import And, Expression, Not, Or
from dawnlight.search._fields import FIELDS, Field, get_field
from dawnlight.search._footprints import footprint, search_shapes
from dawnlight.search._leaves import Eq, ILike, IsNotNull, IsNull, Like, Ne, Prefix, Range
from dawnlight.search._numbers import NOT_FINITE, number_to_wire, wire_to_number
from dawnlight.search._order import SortKey, place, sort_values
from dawnlight.search._patterns import pattern_matcher
from dawnlight.search._properties import Properties, Property
from dawnlight.search._query import Query, make_matcher, matches, run
from dawnlight.search._resolutions import ResolutionValue, parse_resolution, resolution_to_meters
from dawnlight.search._summaries import (
    DATE_FIELDS,
    INTERVALS,
    IntervalSummary,
    Summary,
    document_bytes,
    floor_time,
    interval_bounds,
    intervals,
    summarize,
)
from dawnlight.search._texts import text_matches, text_words
from dawnlight.search._times import parse_time, time_to_key, time_to_wire

__all__ = [
    "DATE_FIELDS",
    "FIELDS",
    "INTERVALS",
    "KINDS",
    "NOT_FINITE",
    "And",
    "Document",
    "Eq",
    "Expression",
    "Field",
    "ILike",
    "IntervalSummary",
    "IsNotNull",
    "IsNull",
    "Kind",
    "Like",
    "Ne",
    "Not",
    "Or",
    "Prefix",
    "Properties",
    "Property",
    "Query",
    "Range",
    "ResolutionValue",
    "SortKey",
    "Summary",
    "compile_expression",
    "document_bytes",
    "evaluate",
    "evaluate_object",
    "floor_time",
    "footprint",
    "from_cql2",
    "get_field",
    "interval_bounds",
    "intervals",
    "make_matcher",
    "matches",
    "normalize_expression",
    "number_to_wire",
    "parse_resolution",
    "parse_time",
    "pattern_matcher",
    "place",
    "resolution_to_meters",
    "run",
    "search_shapes",
    "sort_values",
    "summarize",
    "text_matches",
    "text_words",
    "time_to_key",
    "time_to_wire",
    "to_cql2",
    "wire_to_number",
]
