"""A piece as a score: what a player reads, as MusicXML, SVG and PDF."""
