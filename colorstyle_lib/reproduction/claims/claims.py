"""What the paper claims, sentence by sentence, and which numbers decide it: C1 to C12 as data.

A claim holds no number and no verdict. It names addresses in ``figures/results.json`` and bounds for what is there;
:mod:`.verdict` reads the numbers and judges. The bounds on ablations, attention and style were set
before any of these was measured (those on attention in notebook 03), colorfulness's is :mod:`.targets`'s;
"nearer than gray" and "less error with a reference" were known to hold when this was written.
"""

from __future__ import annotations

from colorstyle_lib.reproduction.claims.on_model import MODEL_CLAIMS
from colorstyle_lib.reproduction.claims.on_recipe import RECIPE_CLAIMS
from colorstyle_lib.reproduction.claims.schema import Claim

CLAIMS: tuple[Claim, ...] = tuple(sorted((*MODEL_CLAIMS, *RECIPE_CLAIMS), key=lambda claim: int(claim.id[1:])))
