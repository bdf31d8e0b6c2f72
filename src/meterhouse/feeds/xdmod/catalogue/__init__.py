"""Open XDMoD's realms as data files, one each."""
