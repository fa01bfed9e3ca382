"""The language server: what an editor asks about rule files, and how it is answered."""
