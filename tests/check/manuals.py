#!/usr/bin/env python3
"""The man pages and the completion against the programs and their tables.

What exists is named, and what is named exists: subcommands and options of xl
(by running it), keys of its config files, options of xend (by running it), and
xend's methods with their parameters.
"""
import os
import re
import string
import subprocess
import sys

SRC = os.environ.get("top_srcdir") or os.path.join(os.path.dirname(__file__),
                                                   "../..")
BUILD = os.environ.get("top_builddir", SRC)
XL = os.path.join(BUILD, "xl", "xl")
XEND = os.path.join(BUILD, "xend", "xend")
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
# Nothing listens there: what is accepted ends with another message.
NOWHERE = dict(os.environ, XEND_SOCKET="/nonexistent/sock", LC_ALL="C")
problems = []
checked = 0


def same(what, named, exists):
    global checked
    named, exists = set(named), set(exists)
    checked += len(exists)
    if not exists:
        problems.append(f"{what}: nothing found to compare with")
    for n in sorted(exists - named):
        problems.append(f"{what}: {n} exists, and is not named")
    for n in sorted(named - exists):
        problems.append(f"{what}: {n} is named, and does not exist")


def source(path):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        return f.read()


def output(*argv):
    p = subprocess.run(argv, env=NOWHERE, capture_output=True, text=True,
                       stdin=subprocess.DEVNULL, check=False)
    return p.returncode, p.stdout, p.stderr


class Entry:
    """A tag of a man page, with what stands below it."""

    def __init__(self, section, depth, spans):
        self.section = section
        self.depth = depth
        self.spans = spans          # of the tag: (font, text)
        self.body = ""

    def text(self):
        return "".join(t for _, t in self.spans)

    def words(self, font):
        return [w for f, t in self.spans if f == font
                for w in re.findall(r"[\w.-]+", t)]


class Page:
    """A man page's entries, and the bold words of its paragraphs."""

    def __init__(self, name):
        self.entries = []
        self.bold = {}              # by section
        self.section, self.depth, self.tag = None, 0, False
        for line in source(f"docs/man/{name}").splitlines():
            self.read(line)

    def read(self, line):
        macro, _, rest = line.partition(" ")
        if macro == ".SH":
            self.section = rest.strip('"')
        elif macro in (".TP", ".TQ"):
            self.tag = True
        elif macro in (".RS", ".RE"):
            self.depth += 1 if macro == ".RS" else -1
        elif self.tag:
            self.tag = False
            self.entries.append(Entry(self.section, self.depth, spans(line)))
        elif not line.startswith('.\\"'):
            self.add(spans(line))

    def add(self, parts):
        if self.entries and self.entries[-1].section == self.section:
            self.entries[-1].body += " " + "".join(t for _, t in parts)
        self.bold.setdefault(self.section, []).extend(
            t.strip(" ,.") for f, t in parts if f == "B")

    def of(self, *sections):
        return [e for e in self.entries if e.section in sections]


def plain(text):
    return text.replace("\\-", "-").replace("\\&", "").replace('""', '"')


def spans(line):
    """A line as (font, text): B, I or R."""
    m = re.match(r"\.([BIR]{1,2}) (.*)", line)
    if m:
        args = [a or b for a, b in
                re.findall(r'"((?:[^"]|"")*)"|(\S+)', m.group(2))]
        if len(m.group(1)) == 1:
            return [(m.group(1), plain(" ".join(args)))]
        return [(m.group(1)[i % 2], plain(a)) for i, a in enumerate(args)]
    if line.startswith("."):
        return []
    found, font = [], "R"
    for part in re.split(r"(\\f[BIR])", line):
        if re.fullmatch(r"\\f[BIR]", part):
            font = part[2]
        elif part:
            found.append((font, plain(part)))
    return found


def options(text):
    return set(OPTION.findall(text)) - {"-h", "--help"}


def usage(command):
    """What xl says of a command, without the global options."""
    text = output(XL, "help", command)[1]
    return re.sub(r"^Usage: xl \[-v\](?: \[-N\])?", "", text)


def check_xl():
    page = Page("xl.1")
    head = output(XL, "help")[1]
    commands = [w.split()[0] for w in head.splitlines()[4:]
                if re.match(r" \S", w)]
    entries, current = {}, None
    for e in page.entries:
        if e.section in ("GLOBAL OPTIONS", "ENVIRONMENT"):
            continue
        if not e.depth:
            current = e.words("B")[0]
            entries[current] = ""
        entries[current] += " " + e.text() + " " + e.body
    same("xl(1)", entries, commands)
    # The usage line has those without a text of their own.
    exists = options(head.splitlines()[0]) - {"-vfNtT"} | {"-" + c for c in "vfNtT"}
    named = options(" ".join(e.text() for e in page.of("GLOBAL OPTIONS")))
    same("xl(1), global options", named, exists)
    dry = next(e for e in page.of("GLOBAL OPTIONS") if e.text() == "-N")
    same("xl(1), -N", set(re.findall(r"[a-z-]+", dry.body)) & set(commands),
         [c for c in commands
          if "[-N]" in output(XL, "help", c)[1].splitlines()[0]])
    for c in commands:
        helped = options(usage(c))
        named = options(entries.get(c, "")) - {"--json", "-N"}
        if helped or named:
            same(f"xl(1), {c}", named, helped)
        check_letters(c, helped)
    words = set()
    for f in sorted(os.listdir(os.path.join(SRC, "xl"))):
        if f.endswith(".c"):
            words.update("--" + w for w in re.findall(
                r'\{ "([a-z_-]+)", (?:no|required|optional)_argument',
                source("xl/" + f)))
    helped = set().union(*(options(usage(c)) for c in commands))
    same("long options in xl's sources", {"--help", "--json"} |
         {o for o in helped if o.startswith("--")}, words)


def check_letters(command, helped):
    """Each letter that the program takes is in its help."""
    taken = set()
    for letter in string.ascii_letters:
        _, _, err = output(XL, command, "-" + letter)
        if letter != "h" and "invalid option" not in err:
            taken.add("-" + letter)
    letters = {o for o in helped if len(o) == 2}
    if taken or letters:
        same(f"xl help {command}", letters, taken)


def check_cfg():
    page = Page("xl.cfg.5")
    table = source("xend/config/config_xl_keys.c")
    rows = re.findall(r'\b(PLAIN|NOFIELD|NUMBER|IGNORE|REFUSE)\("(\w+)"', table)
    rows += [("PLAIN", k) for k in
             re.findall(r'\{ "(\w+)", apply_devices', table)]
    for kinds, section in ((("IGNORE",), "KEYS WITHOUT EFFECT"),
                           (("REFUSE",), "KEYS THAT ARE REFUSED")):
        same(f"xl.cfg(5), {section}", page.bold.get(section, []),
             [k for t, k in rows if t in kinds])
    same("xl.cfg(5), KEYS", [w for e in page.of("KEYS") for w in e.words("B")],
         [k for t, k in rows if t not in ("IGNORE", "REFUSE")])
    vbd = source("xend/config/config_vbd.c")
    flags = vbd[vbd.index("static bool set_flag"):]
    flags = flags[:flags.index("\n}")]
    exists = re.findall(r'\{ "(\w+)", (?:[A-Z]+|-1), ', vbd)
    exists += re.findall(r'streq\(v, "([\w-]+)"\)', flags)
    same("xl.cfg(5), DISKS",
         [w for e in page.of("DISKS") for w in e.words("B")], exists)
    vif = source("xend/config/config_vif.c")
    exists = re.findall(r'\{ "(\w+)", apply_', vif)
    exists += re.findall(r'streq\(word, "(\w+)"\)', vif)
    same("xl.cfg(5), NETWORK INTERFACES",
         [w for e in page.of("NETWORK INTERFACES") for w in e.words("B")],
         exists)
    actions = re.search(r"config_action_words\[\] = \{(.*?)NULL",
                        source("xend/config/config.c"), re.S).group(1)
    body = " ".join(e.body for e in page.of("KEYS") if "on_crash" in e.text())
    same("xl.cfg(5), on_crash", re.findall(r'"([a-z-]+)"', body),
         set(re.findall(r'"([a-z-]+)"', actions)) - {"soft-reset"})


def check_xend():
    page = Page("xend.8")
    named = OPTION.findall(" ".join(e.text() for e in page.of("OPTIONS")))
    same("xend(8)", named, OPTION.findall(output(XEND, "--help")[1]))
    main = source("xend/main.c")
    short = re.search(r'short_options = "(\w+)"', main).group(1)
    same("xend's options", named,
         ["--" + w for w in re.findall(r'\{ "([a-z-]+)",\s+\w+_argument', main)] +
         ["-" + c for c in short])
    same("xend(8), xendomains", [w for e in page.entries for w in e.words("B")
                                 if w.startswith("XENDOMAINS_")],
         re.findall(r"^(XENDOMAINS_\w+)=", source("etc/xendomains.in"), re.M))
    conf = next(e for e in Page("xl.cfg.5").of("FILES") if "xl.conf" in e.text())
    same("xl.cfg(5), xl.conf", re.findall(r"\bvif\.[a-z.]*[a-z]", conf.body),
         re.findall(r'take\(&list, "([a-z.]+)"', source(
             "xend/device/vif_defaults.c")))


def methods():
    """Name: (rights, parameters), from the tables of the sources."""
    fields, found = {"NULL": []}, {}
    folder = os.path.join(SRC, "xend", "api")
    text = "".join(source("xend/api/" + f) for f in sorted(os.listdir(folder))
                   if f.endswith(".c"))
    for name, rows in re.findall(
            r"const struct field (\w+)\[\] = \{(.*?)\};", text, re.S):
        fields[name] = re.findall(
            r"\b(?:STRINGS?|BOOL|INT|WORD)\(\w+,\s*(\w+)", rows)
        fields[name] += re.findall(r"\bBVT\((\w+)\)", rows)
        fields[name] += re.findall(r'\{ "(\w+)", FIELD_', rows)
    for name, right, table in re.findall(
            r'\{ "([a-z_.]+)", RIGHT_(READ|ADMIN),\s*(\w+),', text):
        found[name] = (right, fields[table])
    return found


def check_api():
    page = Page("xend-api.7")
    exists, named = methods(), {}
    for e in page.of("METHODS"):
        right = "READ" if "(read)" in e.text() else "ADMIN"
        named[e.words("B")[0]] = (right, [
            w for w in e.words("I") if w != "read"])
    same("xend-api(7)", named, exists)
    for name in sorted(set(exists) & set(named)):
        if named[name][0] != exists[name][0]:
            problems.append(f"xend-api(7), {name}: its rights are "
                            f"{exists[name][0]}")
        if exists[name][1] or named[name][1]:
            same(f"xend-api(7), {name}", named[name][1], exists[name][1])
    words = re.findall(r'= \{ "(\w+)",\s*"', source("xend/domain/lifecycle.c"))
    state = next(e for e in page.of("OBJECTS") if e.text() == "state")
    same("xend-api(7), states", re.findall(r"[a-z]+",
         state.body.partition(":")[2].replace(" or ", " ")), words)


COMPLETE = """
source %s/etc/xl.bash-completion
compopt() { :; }
COMP_WORDS=(xl %s)
COMP_CWORD=%d
_xl
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words):
    script = COMPLETE % (SRC, " ".join(f"'{w}'" for w in words), len(words))
    env = dict(NOWHERE, PATH=os.path.dirname(XL) + ":" + os.environ["PATH"])
    p = subprocess.run(["bash", "-c", script], env=env, capture_output=True,
                       text=True, check=False)
    if p.stderr:
        problems.append(f"completion: {p.stderr}")
    return p.stdout.split()


def check_completion():
    head = output(XL, "help")[1]
    commands = [w.split()[0] for w in head.splitlines()[4:]
                if re.match(r" \S", w)]
    same("completion of commands", completed(""), commands)
    same("completion of help", completed("help", ""), commands)
    same("completion of global options", completed("-"),
         {"-" + c for c in "vfNtT"} | {"--json"})
    for c in commands:
        if options(usage(c)):
            same(f"completion of {c}", completed(c, "-"), options(usage(c)))


def main():
    for program in (XL, XEND):
        if not os.access(program, os.X_OK):
            print(f"manuals: {program} is not built; run make first")
            return 1
    for check in (check_xl, check_cfg, check_xend, check_api,
                  check_completion):
        check()
    for p in problems:
        print(p)
    print(f"manuals: {checked} words compared, {len(problems)} wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
