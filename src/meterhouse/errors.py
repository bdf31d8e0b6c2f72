"""What can go wrong that a person can mend? One line each, without secrets."""


class MeterhouseError(Exception):
    """An error whose text is meant for the person who ran the command."""


class ConfigurationError(MeterhouseError):
    """meterhouse.toml says something that can't be used: names key, expectation and what was found."""


class QuestionError(MeterhouseError):
    """A question that can't be asked: an unknown meter, grouping, period or profile."""
