#!/usr/bin/env python3
"""Validate lines of pystack -o json.   check.py SCHEMA FILE...

Each line must be an object that the schema allows, and have no member that it does not name: for that the
schema is made strict here. Prints what is wrong; the exit status is 1 if anything is, 77 without jsonschema.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is missing")
    sys.exit(77)

MOST = 10


def strict(schema):
    """Refuse members that a schema does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(part) for key, part in schema.items()}
    if isinstance(made.get("properties"), dict) and "type" in made:
        made["additionalProperties"] = False
    return made


def no_duplicates(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member occurs twice")
    return made


class Checker:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            schema = json.load(f)
        jsonschema.Draft202012Validator.check_schema(schema)
        schema = strict(schema)
        self.line = jsonschema.Draft202012Validator(schema)
        self.frames = jsonschema.Draft202012Validator({"$ref": "#/$defs/frames", "$defs": schema["$defs"]})
        self.seen = set()

    def errors(self, text):
        """Frames are validated once each: threads share most of them."""
        line = json.loads(text, object_pairs_hook=no_duplicates)
        for holder in line.get("threads", []) + [line]:
            new = []
            for frame in holder.get("frames", []):
                # Places on the stack differ in digits only.
                key = json.dumps({k: "0x1" if k in ("sp", "cfa", "frame") and v.startswith("0x") and v != "0x" else v
                                  for k, v in frame.items()})
                if key not in self.seen:
                    self.seen.add(key)
                    new.append(frame)
            yield from self.frames.iter_errors(new)
            if "frames" in holder:
                holder["frames"] = []
        yield from self.line.iter_errors(line)


def main():
    checker = Checker(sys.argv[1])
    wrong = lines = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8", newline="\n") as f:
            for number, text in enumerate(f, 1):
                lines += 1
                try:
                    found = [error.message[:300] + " at " + error.json_path for error in checker.errors(text)]
                except ValueError as error:
                    found = [str(error)]
                for message in found:
                    wrong += 1
                    if wrong <= MOST:
                        print("%s:%d: %s" % (path, number, message))
    print("%d lines, %d frames, %d wrong" % (lines, len(checker.seen), wrong))
    return wrong != 0


sys.exit(main())
