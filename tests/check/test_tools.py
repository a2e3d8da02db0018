"""That tools/tidy and tools/purity find what they are for: each rule on a small bad sample."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"

LAYERS = """
tepui_library(common CORE LIBS m)
tepui_library(wire CORE DEPS common proto LIBS x)
tepui_library(container CORE DEPS wire)
tepui_library(agent CORE DEPS container)
tepui_library(net DEPS wire LIBS y)
"""

GOOD_HEADER = """/* What is good. */
#ifndef TEPUI_COMMON_GOOD_H
#define TEPUI_COMMON_GOOD_H

typedef int good_fn(void *arg);
typedef void (*good_done_fn)(void *arg);

int good(void);

#endif
"""

GOOD = """#include "common/good.h"

/* strcpy(a, b) is only spoken of here, and "sprintf(x)" there. */
int good(void)
{
    const char *text = "atoi(x)";
    return text != 0;
}
"""


class Sample(unittest.TestCase):
    """A tree in a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("src/CMakeLists.txt", LAYERS)
        self.write("src/common/good.h", GOOD_HEADER)
        self.write("src/common/good.c", GOOD)

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, name, *arguments):
        done = subprocess.run([sys.executable, "-B", TOOLS / name, "--root", self.root, *arguments],
                              capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout


class Tidy(Sample):
    def finds(self, path, text, what):
        self.write(path, text)
        status, out = self.run_tool("tidy")
        self.assertEqual(status, 1, out)
        self.assertIn("%s:" % path, out)
        self.assertIn(what, out)
        self.assertIn(" 1 violations", out)

    def test_a_clean_tree_passes(self):
        status, out = self.run_tool("tidy")
        self.assertEqual(status, 0, out)
        self.assertIn("0 violations", out)

    def test_no_files_is_not_a_pass(self):
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run([sys.executable, "-B", TOOLS / "tidy", "--root", empty],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)

    def test_each_banned_function(self):
        for name in ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "gets", "atoi", "alloca",
                     "rand"):
            self.finds("src/common/bad.c", "int f(void)\n{\n    return %s(0);\n}\n" % name,
                       "bad.c:3: banned: %s()" % name)

    def test_typedefs_of_structs(self):
        self.finds("src/common/bad.c", "typedef struct bad {\n    int x; /* x */\n} bad;\n",
                   "typedef")

    def test_typedefs_of_enums_and_numbers(self):
        self.finds("src/common/bad.c", "typedef int bad_t;\n", "typedef")

    def test_the_names_of_guards(self):
        self.finds("src/common/bad.h", "#ifndef BAD_H\n#define BAD_H\n#endif\n",
                   "TEPUI_COMMON_BAD_H")
        self.finds("src/common/bad.h", "#pragma once\n", "TEPUI_COMMON_BAD_H")

    def test_guards_of_public_headers(self):
        self.write("include/tepui/it.h", "#ifndef TEPUI_IT_H\n#define TEPUI_IT_H\n#endif\n")
        self.assertEqual(self.run_tool("tidy")[0], 0)

    def test_long_lines(self):
        self.finds("src/common/bad.c", "/* %s */\n" % ("x" * 95), "width: 101 columns")
        self.write("src/common/bad.c", "/* %s */\n" % ("x" * 94))
        self.assertEqual(self.run_tool("tidy")[0], 0)

    def test_tabs(self):
        self.finds("src/common/bad.c", "int f(void)\n{\n\treturn 0;\n}\n", "tabs")

    def test_blanks_at_the_end(self):
        self.finds("src/common/bad.c", "int x; \n", "blanks")

    def test_notes_of_work_left(self):
        self.finds("src/common/bad.c", "/* TO" + "DO: more */\n", "later")

    def test_paths_of_a_machine(self):
        self.finds("docs/bad.md", "see /wor" + "k/main/src\n", "paths")

    def test_long_files(self):
        self.finds("src/common/bad.c", "int x;\n" * 1001, "size: 1001 lines")
        self.write("src/common/bad.c", "int x;\n" * 1000)
        status, out = self.run_tool("tidy")
        self.assertEqual(status, 0, out)
        self.assertIn("soft: 1000 lines", out)

    def test_long_headers(self):
        guard = "#ifndef TEPUI_COMMON_BAD_H\n#define TEPUI_COMMON_BAD_H\n%s#endif\n"
        self.finds("src/common/bad.h", guard % ("int f(void);\n" * 298), "size: 301 lines")

    def test_long_functions(self):
        function = "int f(int x)\n{\n%s    return x;\n}\n"
        self.finds("src/common/bad.c", function % ("    x++;\n" * 117), "function: f: 121 lines")
        self.write("src/common/bad.c", function % ("    x++;\n" * 116))
        status, out = self.run_tool("tidy")
        self.assertEqual(status, 0, out)
        self.assertIn("soft: f: 120 lines", out)

    def test_complex_functions(self):
        function = "int f(int x)\n{\n%s    return x;\n}\n"
        self.finds("src/common/bad.c", function % ("    x += x > 1 ? 1 : 2;\n" * 25),
                   "complexity: f: 26")
        self.write("src/common/bad.c", function % ("    x += x > 1 ? 1 : 2;\n" * 24))
        self.assertEqual(self.run_tool("tidy")[0], 0)

    def test_a_switch_counts_once(self):
        cases = "".join("    case %d:\n        return %d;\n" % (i, i + 1) for i in range(50))
        self.write("src/common/ok.c",
                   "int f(int x)\n{\n    switch (x) {\n%s    }\n    return x;\n}\n" % cases)
        status, out = self.run_tool("tidy")
        self.assertEqual(status, 0, out)

    def test_conditions_of_the_preprocessor_inside_functions(self):
        self.finds("src/common/bad.c",
                   "int f(void)\n{\n#ifdef X\n    return 1;\n#endif\n    return 0;\n}\n", "ifdef")

    def test_the_own_header_comes_first(self):
        self.finds("src/common/good.c", "#include <stdio.h>\n" + GOOD, "includes")

    def test_includes_name_the_folder(self):
        self.finds("src/common/bad.c", '#include "good.h"\n', "name the folder")

    def test_no_layer_includes_a_higher_one(self):
        for folder, included in (("common", "wire/a.h"), ("container", "agent/a.h"),
                                 ("wire", "net/a.h"), ("agent", "net/a.h"),
                                 ("net", "agent/a.h"), ("cli", "daemon/a.h"),
                                 ("agent", "container/plan.h")):
            name = "src/%s/bad.c" % folder
            self.write("src/%s/a.c" % included.split("/")[0], "int a_;\n")
            self.finds(name, '#include "%s"\n' % included,
                       "layers: %s/ may not include %s" % (folder, included))
            (self.root / name).unlink()

    def test_layers_include_lower_ones_however_deep(self):
        self.write("src/agent/ok.c", '#include "common/good.h"\n#include "container/container.h"\n')
        self.write("src/daemon/ok.c", '#include "agent/a.h"\n#include "net/a.h"\n')
        self.write("src/container/ok.c", '#include "container/plan.h"\n#include "tepui/x.h"\n')
        status, out = self.run_tool("tidy")
        self.assertEqual(status, 0, out)


class Purity(Sample):
    def build(self, folder, **objects):
        """Compiles the objects into build/src/libtepui_<folder>.a."""
        place = self.root / "build/src"
        place.mkdir(parents=True, exist_ok=True)
        made = []
        for name, text in objects.items():
            source = self.root / ("%s.c" % name)
            source.write_text(text)
            made.append(place / ("%s.c.o" % name))
            subprocess.run([os.environ.get("CC", "cc"), "-w", "-c", source, "-o", made[-1]],
                           check=True)
        archive = place / ("libtepui_%s.a" % folder)
        archive.unlink(missing_ok=True)
        subprocess.run(["ar", "rcs", archive, *made], check=True)

    def purity(self):
        return self.run_tool("purity", "--build", self.root / "build")

    def test_pure_objects_pass(self):
        self.build("common", buf="void *malloc(); int strlen(); void f() { strlen(malloc(1)); }")
        self.build("wire", url="void f(); int inflate(); int snprintf();"
                               "void g() { f(); inflate(); snprintf(); }")
        status, out = self.purity()
        self.assertEqual(status, 0, out)
        self.assertIn("2 objects of 2 libraries", out)

    def test_nothing_built_is_not_a_pass(self):
        status, out = self.purity()
        self.assertEqual(status, 1, out)

    def test_what_touches_the_world_is_found(self):
        for name in ("clock_gettime", "time", "open", "read", "write", "socket", "getenv", "fork",
                     "pthread_create", "rand", "printf", "getpid", "system"):
            self.build("common", bad="int %s(); int f() { return %s(); }" % (name, name))
            status, out = self.purity()
            self.assertEqual(status, 1, out)
            self.assertIn("common/bad.c: %s:" % name, out)

    def test_what_one_folder_may_use_another_may_not(self):
        self.build("common", bad="int inflate(); int f() { return inflate(); }")
        self.assertIn("common/bad.c: inflate:", self.purity()[1])

    def test_the_exceptions_go_by_object(self):
        touch = "int open(); int %s_it() { return open(); }"
        self.build("common", log=touch % "log", flags_env=touch % "flags_env")
        self.build("container", cgroup_linux=touch % "cgroup")
        status, out = self.purity()
        self.assertEqual(status, 0, out)
        self.build("container", cgroup_plan=touch % "cgroup")
        self.assertIn("container/cgroup_plan.c: open:", self.purity()[1])

    def test_a_core_does_not_call_what_touches_the_world_for_it(self):
        self.build("common", log="int open(); int log_it() { return open(); }")
        self.build("wire", bad="int log_it(); int f() { return log_it(); }")
        status, out = self.purity()
        self.assertEqual(status, 1, out)
        self.assertIn("wire/bad.c: log_it: touches the world, by common/log.c", out)

    def test_a_plan_does_not_apply(self):
        self.build("container", a_linux="int open(); int a_apply() { return open(); }",
                   a_plan="int a_apply(); int f() { return a_apply(); }")
        self.assertIn("container/a_plan.c: a_apply:", self.purity()[1])

    def test_a_library_above_is_not_to_be_called(self):
        self.build("net", peer="int peer_send() { return 0; }")
        self.build("agent", bad="int peer_send(); int f() { return peer_send(); }")
        self.assertIn("agent/bad.c: peer_send:", self.purity()[1])


if __name__ == "__main__":
    unittest.main()
