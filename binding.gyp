# The build of the published binaries: node-gyp, through prebuildify (npm run prebuild), in a folder that has
# native/ of the project, libnl's source in libnl/, and what packaging/ holds.
#
# CMakeLists.txt is the build of development; what both must agree on lies in native/sources.json and
# native/napi_setup.h. This file stays out of the package: npm would run node-gyp at every install.
#
# -Os at the link is for the C++ library, which zig builds then: the gate counts bytes (test/prebuilds).
{
  'target_defaults': {
    'cflags!': ['-O3'],
    'cflags': [
      '-O2', '-fvisibility=hidden', '-ffunction-sections', '-fdata-sections', '-fstack-protector-strong',
      '-ffile-prefix-map=<(module_root_dir)=.'
    ]
  },
  'targets': [
    {
      # The two libraries libnl-3 and libnl-genl-3, whole; the linker drops what nothing refers to.
      'target_name': 'nl',
      'type': 'static_library',
      'sources': ['<!@(ls libnl/lib/*.c libnl/lib/genl/*.c)'],
      'include_dirs': ['libnl-config', 'libnl/include', 'libnl/include/linux-private'],
      'defines': ['_GNU_SOURCE', 'SYSCONFDIR="/etc/libnl"']
    },
    {
      'target_name': 'ipvs',
      'dependencies': ['nl'],
      'sources': ['<!@(node -p "require(\'./native/sources.json\').join(\' \')")'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")', 'libnl/include'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++17', '-fvisibility-inlines-hidden'],
      'ldflags': [
        '-Os', '-Wl,--version-script=<(module_root_dir)/exports.map',
        '-Wl,--gc-sections', '-Wl,-z,relro', '-Wl,-z,now', '-Wl,-s'
      ]
    }
  ]
}
