"""The paper's claims, the conditions on them and the verdicts."""
