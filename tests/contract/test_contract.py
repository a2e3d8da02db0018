#!/usr/bin/python3
"""Compares proto/ with the wire contract, tests/data/wire/{v1,internal}.csv.

Each row of the two files is one check: the field (or enum value, message, call) must be in proto/
with the very number, label, type, default and oneof that the row gives. What proto/ has beyond the
rows is an error, too. One set of messages serves both files, so names are compared after the
renames below; the fields and enum values that then still differ in name between v0 and v1 must be
exactly those in the tables of src/wire/v0_names.c.

Needs protoc, protoc-c and python3-protobuf. Prints what deviates and 'N passed, M failed'.
"""

import csv
import pathlib
import re
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
DATA = ROOT / "tests" / "data" / "wire"

# Where v0 and v1 differ on the wire there are two messages. These, and the types within, keep their
# v1 package; every other mesos.v1.X is our mesos.X.
V1_OWN = (
    "mesos.v1.scheduler.Call",
    "mesos.v1.scheduler.APIResult",
    "mesos.v1.master.Call",
    "mesos.v1.quota.QuotaRequest",
)

# Their v0 counterparts. A type within one of them that is not listed is shared: ours is v1's.
V0_OWN = (
    "mesos.scheduler.Call",
    "mesos.scheduler.Call.Subscribe",
    "mesos.master.Call",
    "mesos.master.Call.DrainAgent",
    "mesos.master.Call.SetQuota",
    "mesos.quota.QuotaRequest",
)

# Types that v0 names otherwise, with the types within.
V0_RENAMED = {
    "mesos.SlaveID": "mesos.AgentID",
    "mesos.SlaveInfo": "mesos.AgentInfo",
}

# In proto/ though in neither file: v1 refers to it, and it is Google's to define.
BEYOND = [
    ("google.protobuf.Duration", "seconds", 1, "optional", "int64"),
    ("google.protobuf.Duration", "nanos", 2, "optional", "int32"),
]

FieldProto = descriptor_pb2.FieldDescriptorProto
LABELS = {
    FieldProto.LABEL_OPTIONAL: "optional",
    FieldProto.LABEL_REQUIRED: "required",
    FieldProto.LABEL_REPEATED: "repeated",
}


def is_within(name, owner):
    return name == owner or name.startswith(owner + ".")


def from_v1(name):
    """Our name of a v1 type."""
    if not name.startswith("mesos.v1.") or any(is_within(name, own) for own in V1_OWN):
        return name
    return "mesos." + name[len("mesos.v1."):]


def from_v0(name):
    """Our name of a v0 or internal type."""
    if name in V0_OWN:
        return name
    for old, new in V0_RENAMED.items():
        if is_within(name, old):
            return new + name[len(old):]
    for own in V0_OWN:
        if is_within(name, own):
            return "mesos.v1." + name[len("mesos."):]
    return name


def rename_type(text, rename):
    """Renames within a type as the files write it: T, map<K,T>."""
    entry = re.fullmatch(r"map<(\w+),(.+)>", text)
    return f"map<{entry[1]},{rename(entry[2])}>" if entry else rename(text)


class Contract:
    """What proto/ defines, by full name."""

    def __init__(self, files):
        self.fields = {}  # message -> {number: (name, label, type, default, oneof)}
        self.enums = {}  # enum -> [(name, number)] in order
        self.rpcs = {}  # service -> {name: type}
        self.entries = {}  # map entry message -> map<K,V>
        for file in files:
            for message in file.message_type:
                self._find_entries(file.package, message)
        for file in files:
            for message in file.message_type:
                self._add_message(file.package, message)
            for enum in file.enum_type:
                self._add_enum(file.package, enum)
            for service in file.service:
                self.rpcs[f"{file.package}.{service.name}"] = {
                    rpc.name: f"{rpc.input_type[1:]} -> {rpc.output_type[1:]}"
                    for rpc in service.method
                }

    def _type(self, field):
        if field.type_name:
            return field.type_name[1:]
        return FieldProto.Type.Name(field.type)[len("TYPE_"):].lower()

    def _find_entries(self, scope, message):
        name = f"{scope}.{message.name}"
        if message.options.map_entry:
            key, value = message.field
            self.entries[name] = f"map<{self._type(key)},{self._type(value)}>"
        for nested in message.nested_type:
            self._find_entries(name, nested)

    def _add_message(self, scope, message):
        name = f"{scope}.{message.name}"
        if name in self.entries:
            return
        fields = self.fields[name] = {}
        for field in message.field:
            kind, label = self._type(field), LABELS[field.label]
            if kind in self.entries:
                kind, label = self.entries[kind], "map"
            oneof = ""
            if field.HasField("oneof_index"):
                oneof = message.oneof_decl[field.oneof_index].name
            fields[field.number] = (field.name, label, kind, field.default_value, oneof)
        for nested in message.nested_type:
            self._add_message(name, nested)
        for enum in message.enum_type:
            self._add_enum(name, enum)

    def _add_enum(self, scope, enum):
        self.enums[f"{scope}.{enum.name}"] = [(v.name, v.number) for v in enum.value]


class Check:
    """Counts, and remembers what of the contract the rows have touched."""

    def __init__(self, contract):
        self.contract = contract
        self.passed = 0
        self.failures = []
        self.seen = set()  # ("field", message, number) and the like
        self.renamed = set()  # (our message or enum, our name, v0 name)

    def expect(self, where, wrong):
        """One check: wrong says what deviates, if anything."""
        if wrong:
            self.failures.append(f"{where}: {wrong}")
        else:
            self.passed += 1

    def row(self, source, row, rename, may_rename):
        kind, owner, name = row["kind"], rename(row["owner"]), row["name"]
        where = f"{source}: {row['owner']}.{name}"
        if kind == "message":
            self.seen.add(("message", owner))
            self.expect(where, owner not in self.contract.fields and f"no message {owner}")
        elif kind == "field":
            self.seen.add(("message", owner))
            self.expect(where, self.field(owner, row, rename, may_rename))
        elif kind == "enum":
            self.expect(where, self.enum_value(owner, name, int(row["number"]), may_rename))
        elif kind == "rpc":
            self.seen.add(("rpc", owner, name))
            want = " -> ".join(rename(part) for part in row["type"].split(" -> "))
            have = self.contract.rpcs.get(owner, {}).get(name)
            self.expect(where, have != want and f"is {have}, not {want}")
        else:
            self.expect(where, f"unknown kind {kind}")

    def field(self, owner, row, rename, may_rename):
        number = int(row["number"])
        have = self.contract.fields.get(owner, {}).get(number)
        if not have:
            return f"no field {number} in {owner}"
        self.seen.add(("field", owner, number))
        want = (row["label"], rename_type(row["type"], rename), row["default"], row["oneof"])
        if have[1:] != want:
            return f"is {have[1:]}, not {want}"
        return self.name(owner, have[0], row["name"], may_rename)

    def enum_value(self, owner, name, number, may_rename):
        values = self.contract.enums.get(owner, [])
        numbers = [value for _, value in values]
        if (name, number) in values:
            have = name
        elif numbers.count(number) == 1:
            have = values[numbers.index(number)][0]
        else:
            return f"no such value {number} in {owner}"
        self.seen.add(("enum", owner, have))
        return self.name(owner, have, name, may_rename)

    def name(self, owner, have, want, may_rename):
        if have == want:
            return None
        if may_rename and have == want.replace("slave", "agent").replace("SLAVE", "AGENT"):
            self.renamed.add((owner, have, want))
            return None
        return f"is called {have}"

    def first_values(self, source, rows, rename):
        """The first value of an enum is what an unset field reads as, so it counts."""
        first = {}
        for row in rows:
            if row["kind"] == "enum":
                first.setdefault(rename(row["owner"]), int(row["number"]))
        for enum, number in first.items():
            values = self.contract.enums.get(enum)
            wrong = not values or values[0][1] != number
            self.expect(f"{source}: {enum}", wrong and f"does not begin with value {number}")

    def nothing_extra(self):
        for message, fields in self.contract.fields.items():
            if ("message", message) not in self.seen:
                # A message that only holds types of its own has no row.
                inner = any(s[1].startswith(message + ".") for s in self.seen)
                self.expect(message, None if inner and not fields else "is not in the contract")
            for number, field in fields.items():
                if ("field", message, number) not in self.seen:
                    self.expect(f"{message}.{field[0]}", "is not in the contract")
        for enum, values in self.contract.enums.items():
            for name, _ in values:
                if ("enum", enum, name) not in self.seen:
                    self.expect(f"{enum}.{name}", "is not in the contract")
        for service, rpcs in self.contract.rpcs.items():
            for name in rpcs:
                if ("rpc", service, name) not in self.seen:
                    self.expect(f"{service}.{name}", "is not in the contract")


def proto_names():
    return sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))


def load_contract(folder):
    out = folder / "set"
    subprocess.run(
        ["protoc", "-I.", "-I/usr/include", f"--descriptor_set_out={out}", *proto_names()],
        cwd=PROTO, check=True)
    files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    return Contract(files)


def load_symbols(folder):
    """C symbol of a descriptor -> full name, as the generated code has it."""
    subprocess.run(
        ["protoc-c", "-I.", "-I/usr/include", f"--c_out={folder}", *proto_names()],
        cwd=PROTO, check=True)
    symbols = {}
    for path in folder.rglob("*.pb-c.c"):
        symbols.update(re.findall(
            r'^const ProtobufC(?:Message|Enum)Descriptor (\w+__descriptor) =\s*\{\s*'
            r'PROTOBUF_C__(?:MESSAGE|ENUM)_DESCRIPTOR_MAGIC,\s*"([\w.]+)"',
            path.read_text(), re.MULTILINE))
    return symbols


def check_v0_names(check, symbols):
    text = (ROOT / "src" / "wire" / "v0_names.c").read_text()
    rows = re.findall(r'\{&(\w+__descriptor),\s*"(\w+)",\s*"(\w+)"\}', text)
    if len(rows) != len(set(rows)):
        check.expect("v0_names.c", "has a row twice")
    table = {(symbols.get(symbol, symbol), name, v0_name) for symbol, name, v0_name in rows}
    for row in sorted(check.renamed | table):
        if row not in table:
            check.expect("v0_names.c", f"lacks {row}")
        else:
            wrong = row not in check.renamed
            check.expect("v0_names.c", wrong and f"has {row}, where there is no difference")


def check_umbrella(check):
    text = (ROOT / "src" / "wire" / "pb.h").read_text()
    have = re.findall(r'^#include "(.*)\.pb-c\.h"$', text, re.MULTILINE)
    want = [name[:-len(".proto")] for name in proto_names()]
    for name in sorted(set(have) ^ set(want)):
        check.expect("pb.h", f"{name} is in only one of pb.h and proto/")
    check.expect("pb.h", len(have) != len(set(have)) and "includes a file twice")


def main():
    with tempfile.TemporaryDirectory() as folder:
        contract = load_contract(pathlib.Path(folder))
        symbols = load_symbols(pathlib.Path(folder))
    check = Check(contract)
    for source, rename, may_rename in (("v1", from_v1, False), ("internal", from_v0, True)):
        with open(DATA / f"{source}.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            check.expect(source, "has no rows")
        for row in rows:
            check.row(source, row, rename, may_rename)
        check.first_values(source, rows, rename)
    for owner, name, number, label, kind in BEYOND:
        row = {"kind": "field", "owner": owner, "name": name, "number": number, "label": label,
               "type": kind, "default": "", "oneof": ""}
        check.row("beyond", row, str, False)
    check.nothing_extra()
    check_v0_names(check, symbols)
    check_umbrella(check)

    for failure in check.failures:
        print(failure)
    print(f"{check.passed} passed, {len(check.failures)} failed")
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
