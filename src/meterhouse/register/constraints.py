"""Which rules can a table keep that Django has no words for? Periods that don't overlap, and refusals.

Each has a name, and the database itself holds it: SQLite by triggers, PostgreSQL by triggers and
exclusion constraints. A violation is an IntegrityError that carries the name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table
from django.db.models import BaseConstraint, Model, Q

Event = Literal["INSERT", "UPDATE", "DELETE"]


class _HeldByTriggers(BaseConstraint, ABC):
    """A constraint that several statements make, which come after its table."""

    def constraint_sql(  # type: ignore[override]
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> None:
        # Django runs deferred SQL when the table has its final name.
        schema_editor.deferred_sql.extend(self._statements(model, schema_editor))

    def create_sql(  # type: ignore[override]
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> None:
        for statement in self._statements(model, schema_editor):
            schema_editor.execute(statement, None)

    @abstractmethod
    def _statements(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> list[Statement]:
        """The SQL that makes the table hold the constraint."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


class RefusedWhen(_HeldByTriggers):
    """A row may not be entered, changed or deleted when `condition` holds.

    `condition` is SQL that SQLite and PostgreSQL both know, over NEW (OLD for DELETE); `{table}` stands
    for the table itself.
    """

    def __init__(self, *, name: str, condition: str, on: Sequence[Event] = ("INSERT", "UPDATE")) -> None:
        super().__init__(name=name)
        self.condition = condition
        self.on = tuple(on)

    def remove_sql(  # type: ignore[override]
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {self.name} ON {table}", None)
            schema_editor.execute(f"DROP FUNCTION {self.name}()", None)
            return
        for event in self.on:
            schema_editor.execute(f"DROP TRIGGER {self.name}_{event.lower()}", None)

    def _statements(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> list[Statement]:
        table = Table(model._meta.db_table, schema_editor.quote_name)
        condition = self.condition.replace("%", "%%").format(table="%(table)s")
        if schema_editor.connection.vendor == "postgresql":
            answer = "OLD" if self.on == ("DELETE",) else "NEW"
            return [
                Statement(
                    f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    f"IF {condition} THEN RAISE EXCEPTION 'constraint {self.name} is violated' "
                    f"USING ERRCODE = 'check_violation', CONSTRAINT = '{self.name}'; END IF; "
                    f"RETURN {answer}; END $$",
                    table=table,
                ),
                Statement(
                    f"CREATE TRIGGER {self.name} BEFORE {' OR '.join(self.on)} ON %(table)s "
                    f"FOR EACH ROW EXECUTE FUNCTION {self.name}()",
                    table=table,
                ),
            ]
        return [
            Statement(
                f"CREATE TRIGGER {self.name}_{event.lower()} BEFORE {event} ON %(table)s "
                f"WHEN {condition} BEGIN SELECT RAISE(ABORT, 'constraint {self.name} is violated'); END",
                table=table,
            )
            for event in self.on
        ]

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Any = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Left to the database: the condition is about rows as they are stored."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, _, _ = super().deconstruct()
        return path, (), {"name": self.name, "condition": self.condition, "on": self.on}


class NeverDeleted(RefusedWhen):
    """Rows of this table stay: what is over gets an end."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name, condition="TRUE", on=("DELETE",))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, _, _ = super().deconstruct()
        return path, (), {"name": self.name}


class PeriodsDoNotOverlap(_HeldByTriggers):
    """Rows equal in all fields `within` have periods `[start, end)` that don't overlap; null is open.

    `only` names boolean fields: only rows in which all of them are true are looked at. A period that
    ends when it starts never was, and overlaps nothing.
    """

    def __init__(
        self,
        *,
        name: str,
        within: Sequence[str],
        start: str = "valid_from",
        end: str = "valid_until",
        only: Sequence[str] = (),
    ) -> None:
        super().__init__(name=name)
        self.within = tuple(within)
        self.start, self.end = start, end
        self.only = tuple(only)

    def remove_sql(  # type: ignore[override]
        self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor
    ) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {self.name}", None)
            return
        for event in ("insert", "update"):
            schema_editor.execute(f"DROP TRIGGER {self.name}_{event}", None)

    def _statements(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> list[Statement]:
        table = Table(model._meta.db_table, schema_editor.quote_name)
        column = {field.name: f'"{field.column}"' for field in model._meta.concrete_fields}
        start, end = column[self.start], column[self.end]
        if schema_editor.connection.vendor == "postgresql":
            # Text and numbers have no GiST index without an extension; ranges of one value have.
            equal = [
                f"int8range({column[name]}, {column[name]}, '[]') WITH &&"
                if model._meta.get_field(name).is_relation
                else f"int8range(hashtextextended({column[name]}, 0), "
                f"hashtextextended({column[name]}, 0), '[]') WITH &&"
                for name in self.within
            ]
            where = " AND ".join(column[name] for name in self.only)
            return [
                Statement(
                    f"ALTER TABLE %(table)s ADD CONSTRAINT {self.name} EXCLUDE USING gist "
                    f"({', '.join(equal)}, daterange({start}, {end}) WITH &&)"
                    + (f" WHERE ({where})" if where else ""),
                    table=table,
                )
            ]
        conditions = [
            *(f"other.{column[name]} = NEW.{column[name]}" for name in self.within),
            *(f"other.{column[name]}" for name in self.only),
            *(f"NEW.{column[name]}" for name in self.only),
            f"(other.{start} IS NULL OR NEW.{end} IS NULL OR other.{start} < NEW.{end})",
            f"(other.{end} IS NULL OR NEW.{start} IS NULL OR other.{end} > NEW.{start})",
            f"(other.{start} IS NULL OR other.{end} IS NULL OR other.{start} < other.{end})",
            f"(NEW.{start} IS NULL OR NEW.{end} IS NULL OR NEW.{start} < NEW.{end})",
        ]
        own = f"other.{column[model._meta.pk.name]} <> NEW.{column[model._meta.pk.name]}"
        return [
            Statement(
                f"CREATE TRIGGER {self.name}_{event.lower()} BEFORE {event} ON %(table)s "
                f"WHEN EXISTS (SELECT 1 FROM %(table)s AS other WHERE {' AND '.join([*conditions, *more])}) "
                f"BEGIN SELECT RAISE(ABORT, 'constraint {self.name} is violated'); END",
                table=table,
            )
            for event, more in (("INSERT", []), ("UPDATE", [own]))
        ]

    def validate(
        self,
        model: type[Model],
        instance: Model,
        exclude: Any = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """So that a form says it before the database does."""
        if exclude and {*self.within, self.start, self.end} & set(exclude):
            return
        start, end = getattr(instance, self.start), getattr(instance, self.end)
        if start is not None and end is not None and start >= end:
            return
        if not all(getattr(instance, name) for name in self.only):
            return
        same = {name: getattr(instance, model._meta.get_field(name).attname) for name in self.within}  # type: ignore[union-attr]
        if any(value is None for value in same.values()):
            return
        columns = {model._meta.get_field(name).attname: value for name, value in same.items()}  # type: ignore[union-attr]
        others = model._default_manager.using(using).filter(**columns, **dict.fromkeys(self.only, True))
        if end is not None:
            others = others.filter(Q(**{f"{self.start}__isnull": True}) | Q(**{f"{self.start}__lt": end}))
        if start is not None:
            others = others.filter(Q(**{f"{self.end}__isnull": True}) | Q(**{f"{self.end}__gt": start}))
        for other in others.exclude(pk=instance.pk):
            began, ended = getattr(other, self.start), getattr(other, self.end)
            if began is None or ended is None or began < ended:
                raise ValidationError(self.get_violation_error_message())

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, _, _ = super().deconstruct()
        return (
            path,
            (),
            {
                "name": self.name,
                "within": self.within,
                "start": self.start,
                "end": self.end,
                "only": self.only,
            },
        )
