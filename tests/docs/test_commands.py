"""Every command of the pages is there, with the options it is shown with."""

import re
import subprocess

import pytest

from heyday.settings import Settings
from tests.deploy.composition import COMPOSE, FILE, PASSWORDS
from tests.docs.commands import Command, commands, read_command
from tests.docs.pages import ROOT, Page, page, pages
from tests.program import check_words

HEYDAY = ".venv/bin/heyday"
# Programs of others, for which a page says what else must be there.
OTHERS = {"apt", "cp", "createdb", "createuser", "curl", "export", "git"}
OTHERS |= {"install", "journalctl", "ln", "pipx", "uvx"}
SETTINGS = {field.alias for field in Settings.model_fields.values()}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
STARTED_BY = {"run": "tests/acceptance/test_tutorial.py"}
COMMANDS = [command for page in pages() for command in commands(page)]


def check_docker(compose: str, command: str, *words: str) -> None:
    """Fail unless Docker Compose has the command and its options, and the file the services."""
    assert compose == "compose"
    # Compose reads all options before it explains itself; of a program within it reads none.
    done = subprocess.run(
        [COMPOSE, f"--file={FILE}", command, "--help", *words],
        env={**PASSWORDS, "PATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"compose {command}" in done.stdout
    services = set(re.findall(r"^  (\w+):$", FILE.read_text("utf-8"), re.MULTILINE))
    named = [word for word in words if not word.startswith("-") and "=" not in word]
    # The rest is for the program within.
    assert set(named[:1] if command in {"exec", "run"} else named) <= services


def check_kubectl(*words: str) -> None:
    """Fail unless folders of manifests are there, and what is named is in them."""
    folders = [word for word in words if word.startswith("deploy/")]
    assert all((ROOT / folder / "kustomization.yaml").is_file() for folder in folders)
    files = (ROOT / "deploy" / "kubernetes").rglob("*.yaml")
    text = "".join(path.read_text("utf-8") for path in files)
    named = [word.partition("/")[2] for word in words if word.startswith("deployment/")]
    named += [word.partition("=")[2] for word in words if word.startswith("--namespace=")]
    assert all(f"name: {name}\n" in text for name in named)
    assert folders or named
    if "--" in words:
        assert words[words.index("--") + 1] == "heyday"
        check_words(list(words[words.index("--") + 2 :]), is_whole=True)


def check_systemctl(verb: str, *words: str) -> None:
    """Fail unless each unit is there; of a template any instance is."""
    assert verb in {"daemon-reload", "enable", "list-dependencies", "restart"}
    units = [re.sub(r"@\w+\.", "@.", word) for word in words if not word.startswith("-")]
    assert all((ROOT / "deploy" / "systemd" / unit).is_file() for unit in units)
    assert bool(units) is (verb != "daemon-reload")


def check_systemd_run(*words: str) -> None:
    """Fail unless it runs a command of Heyday's, with all that the units have."""
    at = next(n for n, word in enumerate(words) if not word.startswith("-"))
    assert any(word.startswith("--unit=heyday-") for word in words[:at])
    assert re.fullmatch(rf"/opt/heyday/[\w.]+/{re.escape(HEYDAY)}", words[at])
    check_words(list(words[at + 1 :]), is_whole=True)


def check_make(arguments: tuple[str, ...]) -> None:
    """Fail unless each target is in the Makefile."""
    assert {word for word in arguments if "=" not in word} <= TARGETS


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.line.partition("\n")[0])
def test_a_command_is_there_with_what_it_is_given(command: Command) -> None:
    assert set(command.settings) <= SETTINGS
    if command.program in {HEYDAY, "heyday"}:
        check_words(list(command.arguments), is_whole=True)
    elif command.program == "make":
        check_make(command.arguments)
    elif command.program == "docker":
        check_docker(*command.arguments)
    elif command.program == "kubectl":
        check_kubectl(*command.arguments)
    elif command.program == "systemd-run":
        check_systemd_run(*command.arguments)
    elif command.program == "systemctl":
        check_systemctl(*command.arguments)
    else:
        assert command.program in OTHERS


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_a_command_in_the_text_is_there(page: Page) -> None:
    for span in page.spans:
        words = span.split()
        if words[0] == "heyday":
            check_words(words[1:], is_whole=False)
        elif words[0] == "make":
            check_make(tuple(words[1:]))


def targets_in(script: str) -> set[str]:
    """Return the targets that a script makes, and those that these stand for."""
    made = set(re.findall(r"^make ([a-z-]+)", script, re.MULTILINE))
    recipes = (ROOT / "Makefile").read_text("utf-8")
    for target in list(made):
        (needed,) = re.findall(rf"^{target}:([^#\n]*)", recipes, re.MULTILINE)
        made |= TARGETS & set(needed.split())
    return made


def test_every_target_that_the_readme_names_is_run_in_ci() -> None:
    readme = page("README.md")
    blocks = [c.arguments[0] for c in commands(readme) if c.program == "make"]
    spans = [span.split()[1] for span in readme.spans if span.startswith("make ")]
    named = {*blocks, *spans}
    assert named > {"run", "test"}
    made = targets_in((ROOT / ".ci" / "run").read_text("utf-8"))
    for target in named - made:
        # One that stays until it is stopped is started by a test.
        test = (ROOT / STARTED_BY[target]).read_text("utf-8")
        assert f'heyday("{target}", cwd=ROOT, program=("make",' in test


def test_targets_are_those_of_a_script_and_what_they_stand_for() -> None:
    assert targets_in("set -e\nmake check\n# make test\n") > {"check", "lint", "types", "floors"}
    assert "test" not in targets_in("make check\n")


def test_there_are_commands_to_check() -> None:
    assert {c.program for c in COMMANDS} > {HEYDAY, "make", "curl", "export"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("user import x.csv", "no such command"),
        ("db drop", "no such command"),
        ("users import", "Missing"),
        ("jobs run hourly", "not one of"),
        ("reconcile --jsn", "--jsn"),
    ],
)
def test_a_wrong_command_is_found(wrong: str, said: str) -> None:
    with pytest.raises(Exception, match=said):
        check_words(wrong.split(), is_whole=True)


@pytest.mark.parametrize(
    "wrong",
    [
        "compose upp --detach",
        "compose up --detch",
        "compose stop api scheduller",
        "compose exec --TT postgres pg_dump",
        "compose exec postgress psql --username=postgres",
    ],
)
def test_a_wrong_command_of_docker_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check_docker(*wrong.split())


@pytest.mark.parametrize(
    "wrong",
    [
        "apply -k deploy/kubernetes/tiny",
        "--namespace=hayday rollout status deployment/heyday-api",
        "--namespace=heyday rollout status deployment/heyday-apis",
        "--namespace=heyday exec deployment/heyday-api -- heyday keys make ops",
    ],
)
def test_a_wrong_command_of_kubectl_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check_kubectl(*wrong.split())


@pytest.mark.parametrize("wrong", ["enable --now heyday-workers@2.service", "restart", "stat x"])
def test_a_wrong_command_of_systemctl_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check_systemctl(*wrong.split())


def test_commands_are_read_as_a_shell_reads_them() -> None:
    page = Page("x.md", "```sh\nA=1 make run\ncurl x \\\n  -d '{\n}'\n\nexport B=2\n```\n")
    found = list(commands(page))
    assert [(c.settings, c.program, c.arguments) for c in found] == [
        (("A",), "make", ("run",)),
        ((), "curl", ("x", "-d", "{\n}")),
        (("B",), "export", ()),
    ]
    assert read_command("heyday x").arguments == ("x",)
