"""Which files does Open XDMoD want of a resource? One module a format; `site_files` puts them together."""
