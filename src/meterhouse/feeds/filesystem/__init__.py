"""What do other systems want of file systems? Tables of reports in databases, and scans split by group."""
