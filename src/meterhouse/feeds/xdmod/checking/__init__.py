"""Would Open XDMoD take these files? Its formats field by field, strictly; `files` knows which is which."""
