from dataclasses import dataclass
from typing import Any
from optimodels.result import Verdict
@dataclass
class Judgement:
    verdict: Verdict; bound: Any=None; row_multipliers: Any=None; undecided: bool=False
@dataclass
class Testimony:
    by: Any; who: str; stopped: Any; objective: Any; bound: Any; x: Any=None; row_multipliers: Any=None
def judge(form, claim, testimonies=()):
    return Judgement(Verdict("unverified","", "global optimum","stub"),claim.bound,claim.row_multipliers)
