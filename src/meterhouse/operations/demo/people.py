"""Who uses the example site? Made-up institutions, people, projects and flavors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an account on the example cloud."""

    username: str
    first: str
    last: str
    institution: str  # "" when nobody knows


@dataclass(frozen=True, slots=True)
class Project:
    """A cloud project: `parent` is the id of the project above it."""

    id: str
    name: str
    pi: str
    members: tuple[str, ...]
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of VM."""

    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int


PEOPLE = (
    Person("aokafor", "Adaeze", "Okafor", "Northfield University"),
    Person("bjansson", "Björn", "Jansson", "Northfield University"),
    Person("cmartell", "Chiara", "Martell", "Northfield University"),
    Person("dlindqvist", "Disa", "Lindqvist", "Harbour Institute of Marine Science"),
    Person("eyamada", "Emi", "Yamada", "Harbour Institute of Marine Science"),
    Person("fabreu", "Fábio", "Abreu", "St Brannock College"),
    Person("gnowak", "Grażyna", "Nowak", "St Brannock College"),
    Person("hoduya", "Hassan", "Oduya", "Kestrel Hospital Trust"),
    Person("iveldkamp", "Ilse", "Veldkamp", "Kestrel Hospital Trust"),
    Person("visitor7", "", "Visitor 7", ""),
)

PROJECTS = (
    Project("p-genomics", "genomics", "aokafor", ("aokafor", "bjansson")),
    Project("p-assembly", "genome-assembly", "aokafor", ("bjansson", "hoduya"), "p-genomics"),
    Project("p-variants", "variant-calling", "hoduya", ("hoduya", "iveldkamp"), "p-genomics"),
    Project("p-ocean", "ocean-models", "dlindqvist", ("dlindqvist", "eyamada")),
    Project("p-tides", "tide-forecast", "dlindqvist", ("eyamada",), "p-ocean"),
    Project("p-corpus", "medieval-corpus", "fabreu", ("fabreu", "gnowak")),
    Project("p-teaching", "teaching-2026", "cmartell", ("cmartell", "gnowak", "visitor7")),
    Project("p-imaging", "image-archive", "iveldkamp", ("iveldkamp",)),
)

FLAVORS = (
    Flavor("c1.m2", 1, 2048, 20),
    Flavor("c2.m8", 2, 8192, 40),
    Flavor("c4.m16", 4, 16384, 80),
    Flavor("c8.m64", 8, 65536, 160),
    Flavor("c16.m128", 16, 131072, 320),
)

# Field of science: abbreviation, description, parent.
FIELDS = (
    ("sci", "Science", ""),
    ("hum", "Humanities", ""),
    ("life", "Life sciences", "sci"),
    ("earth", "Earth sciences", "sci"),
    ("texts", "Texts and languages", "hum"),
    ("gen", "Genomics", "life"),
    ("clin", "Clinical research", "life"),
    ("ocea", "Oceanography", "earth"),
    ("medi", "Medieval studies", "texts"),
    ("teach", "Teaching", "texts"),
)

FIELD_OF = {"aokafor": "gen", "hoduya": "clin", "iveldkamp": "clin", "dlindqvist": "ocea", "fabreu": "medi"}
FIELD_OF |= {"cmartell": "teach"}
