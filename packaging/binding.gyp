# The build of the published binaries: node-gyp, through prebuildify (npm run prebuild).
# CMakeLists.txt is the build of development; what both must agree on lies in native/sources.json and
# native/napi_setup.h. This file stays out of the package: npm would run node-gyp at every install.
{
  'targets': [
    {
      'target_name': 'ipvs',
      'sources': ['<!@(node -p "require(\'./native/sources.json\').join(\' \')")'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'cflags': ['<!@(pkg-config --cflags libnl-genl-3.0)', '-fvisibility=hidden'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++17', '-fvisibility-inlines-hidden'],
      'libraries': ['<!@(pkg-config --libs libnl-genl-3.0)']
    }
  ]
}
