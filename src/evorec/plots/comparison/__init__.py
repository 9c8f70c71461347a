"""The page of a comparison: verdict, bars, strata, freshness, weights and cost, in one file without scripts."""
