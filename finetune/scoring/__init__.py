"""What answers are worth: baselines, evaluations, reports, proofs and what is kept of them."""
