"""Write `docs/configuration.md` anew: `python -m website`."""

from website.configuration import PAGE, configuration_page

PAGE.write_text(configuration_page(), encoding="utf-8")
