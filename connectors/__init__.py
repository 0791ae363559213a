"""One folder per host. A connector speaks to its host and knows nothing of the others, nor of the journal."""
