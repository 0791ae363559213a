"""One module per verb. The only layer that orders I/O: it pulls, decides, claims, posts and records."""
