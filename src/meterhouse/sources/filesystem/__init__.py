"""What do scans and quotas of file systems say? Readers of their formats, and the one pass over them."""
