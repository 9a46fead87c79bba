"""annulus for Conan 2:   conan create packaging/conan"""

import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Annulus(ConanFile):
    name = "annulus"
    version = "0.1.0"
    license = "Apache-2.0"
    description = "A model-checked lock-free ring buffer for messages between processes"
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "channel/*", "ring/*", "pipe/*",
                        "bus/*", "fuzz/*.hpp", "fuzz/driver.cpp"):
            copy(self, pattern, root, self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("annulus runs on Linux")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "CLI", "BENCH", "EXAMPLES", "LANGUAGES"):
            toolchain.cache_variables[f"ANNULUS_BUILD_{part}"] = False
        toolchain.cache_variables["CMAKE_COMPILE_WARNING_AS_ERROR"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "annulus")
        below = []
        for part in ("channel", "ring", "pipe", "bus"):
            component = self.cpp_info.components[part]
            component.set_property("cmake_target_name", f"annulus::{part}")
            component.libs = [f"annulus_{part}"]
            component.requires = below[:1] if part == "pipe" else list(below)
            below.append(part)
