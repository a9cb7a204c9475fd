"""All scenarios by name, each with the class of its site."""

import importlib

MODULES = ("shop_scenarios", "booking_scenarios", "kafka", "edge_scenarios", "parcels", "library_scenarios", "realm", "mail")


def find(name):
    """Returns a scenario and the class of its site."""
    known = {}
    for module in MODULES:
        site = importlib.import_module(f"sites.{module}")
        if name in site.SCENARIOS:
            return site.SCENARIOS[name], site.SITE
        known.update(site.SCENARIOS)
    raise SystemExit(f"no scenario {name}; there are {', '.join(sorted(known))}")
