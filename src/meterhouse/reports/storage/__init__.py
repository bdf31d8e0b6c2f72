"""What do people ask about file systems? Reports on scans and quotas."""
