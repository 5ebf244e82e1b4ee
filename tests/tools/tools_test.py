# SPDX-License-Identifier: Apache-2.0
"""The checks of the tree find what they look for, in small trees made here."""
import contextlib
import io
import pathlib
import tempfile
import unittest

import check_layers
import check_style
import file_sizes
import snippets

HEAD = "// SPDX-License-Identifier: Apache-2.0\n// For the test.\n"


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, text, head=HEAD):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(head + text)


class Layers(Tree):
    def refused(self, path, include):
        self.write(path, f"#include {include}\n")
        found = check_layers.check(self.root)
        (self.root / path).unlink()
        return found

    def test_what_is_refused(self):
        for path, include in [
            ("src/support/log.h", '"ir/function.h"'),
            ("src/mask/build.h", '"plan/problem.h"'),
            ("src/backend/cpu/a.cpp", '"backend/cuda/b.h"'),
            ("src/backend/cuda/a.cpp", '"backend/reference/b.h"'),
            ("src/backend/backend.h", '"backend/cpu/b.h"'),
            ("src/ir/a.cpp", '"tests/seed.h"'),
            ("src/api/a.cpp", "<torch/extension.h>"),
            ("src/api/a.cpp", "<Python.h>"),
            ("src/ir/a.cpp", "<fmt/format.h>"),
            ("src/ir/a.cpp", "<llvm-c/Core.h>"),
            ("src/backend/cpu/jit/llvm.cpp", "<llvm/IR/Module.h>"),
            ("src/api/a.cpp", "<nlohmann/json.hpp>"),
            ("include/flexion/a.h", '"ir/function.h"'),
            ("src/ir/a.cpp", '"flexion/expr.h"'),
        ]:
            found = self.refused(path, include)
            self.assertEqual(len(found), 1, (path, include))
            self.assertTrue(found[0].startswith(f"{path}:3: "), found)

    def test_what_is_allowed(self):
        for path, include in [
            ("src/ir/a.cpp", '"support/log.h"'),
            ("src/ir/a.cpp", '"ir/ops.def"'),
            ("src/ir/a.cpp", "<vector>"),
            ("src/ir/a.cpp", "<flexion/expr.h>"),
            ("src/backend/cpu/a.cpp", '"backend/backend.h"'),
            ("src/backend/cpu/a.cpp", '"backend/cpu/b.h"'),
            ("src/backend/kernel_cache.cpp", '"backend/cpu/b.h"'),
            ("src/backend/cpu/jit/llvm.cpp", "<llvm-c/Core.h>"),
            ("src/support/format.cpp", "<fmt/format.h>"),
            ("tests/ir/a_test.cpp", '"api/context.h"'),
            ("tools/flexion/main.cpp", "<CLI/CLI.hpp>"),
        ]:
            self.assertEqual(self.refused(path, include), [], (path, include))


class Sizes(Tree):
    def test_long_files(self):
        self.write("src/ir/a.cpp", "\n" * 799)
        self.write("src/backend/cuda/device/a.cuh", "\n" * 999)
        self.write("src/ir/b.cpp", "\n" * 798)
        problems, lengths = file_sizes.check(self.root)
        self.assertEqual(problems, ["src/backend/cuda/device/a.cuh: 1001 lines, at most 1000",
                                    "src/ir/a.cpp: 801 lines, at most 800"])
        self.assertEqual([lines for lines, _ in lengths["src/ir"]], [801, 800])

    def test_full_folders_and_the_table(self):
        for i in range(16):
            self.write(f"src/ir/f{i}.h", "")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(file_sizes.main(self.root), 1)
            (self.root / "src/ir/f0.h").unlink()
            self.assertEqual(file_sizes.main(self.root), 0)
        self.assertIn("src/ir: 16 files, at most 15", out.getvalue())
        self.assertRegex(out.getvalue(), r"src/ir +15 +2  2 src/ir/f9.h")


class Style(Tree):
    def test_what_is_refused(self):
        self.write("a.cuh", "x\n" + "y" * 101 + "\nz \n// TO" + "DO: later\n")
        self.write("b.py", "", head="")
        self.write("c.cpp", "int x;\n", head=HEAD.split("\n")[0] + "\n")
        self.assertEqual([line.split(": ")[0] for line in check_style.check(self.root)],
                         ["a.cuh:4", "a.cuh:5", "a.cuh:6", "b.py:1", "c.cpp:2"])

    def test_what_is_allowed(self):
        self.write("a.cuh", "x" * 100 + "\n")
        self.write("a.py", '"""Does it."""\n', head="#!/x\n# SPDX-License-Identifier: Apache-2.0\n")
        self.write("CMakeLists.txt", "", head="# SPDX-License-Identifier: Apache-2.0\nadd()\n")
        self.write("notes.md", "y" * 200, head="")
        self.assertEqual(check_style.check(self.root), [])


class Snippets(Tree):
    def test_what_is_taken(self):
        self.write("a.md", "# A\n```cpp\nint main() {}\n```\n```cpp {body}\nf();\n```\n"
                   "```cpp\nint only_shown;\n```\n```sh\nmake demo\nflexion info\n```\n", head="")
        files = snippets.extract([self.root / "a.md"])
        self.assertEqual(sorted(files), ["bodies.cpp", "commands.sh", "program_0.cpp"])
        self.assertEqual(files["program_0.cpp"], f'#line 3 "{self.root}/a.md"\nint main() {{}}\n')
        self.assertIn(f'body_0() {{\n#line 6 "{self.root}/a.md"\nf();\n}}', files["bodies.cpp"])
        self.assertEqual(files["commands.sh"], "set -ex\nflexion info\n")


if __name__ == "__main__":
    unittest.main()
