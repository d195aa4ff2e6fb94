// The table of Python packages: what `npm run build:wheels` makes and third_party/python/lock.json names. Versions and hashes of the
// sources are in python-wheels/sources.sha256; names that can be imported and dependencies come from the wheels themselves.

/** How a native package is built: the script of python-wheels with its environment. `needs` is built before it.
 * @typedef {{ script: string, env?: Readonly<Record<string, string>>, needs?: readonly string[] }} Recipe */
/** `licence` (SPDX) where the package's own metadata has no such expression, or says too little of what was linked into it; `linked`
 * names the texts of python-wheels/licences that go into the wheel. `prebuilt`: the index has a native wheel for exactly our ABI, and that
 * one is taken. `testsOf`: made of the entries of another package's raw wheel that match `select`.
 * @typedef {{ name: string, licence?: string, linked?: readonly string[], recipe?: Recipe, prebuilt?: true, for?: 'tests',
 *   testsOf?: string, select?: readonly string[] }} Package */

/** @type {readonly Package[]} */
export const PACKAGES = [
  { name: 'annotated-types' },
  { name: 'attrs' },
  { name: 'beautifulsoup4', licence: 'MIT' },
  { name: 'certifi', licence: 'MPL-2.0' },
  { name: 'charset-normalizer', licence: 'MIT' },
  { name: 'contourpy', licence: 'BSD-3-Clause', recipe: { script: 'build-meson.sh' } },
  { name: 'cycler', licence: 'BSD-3-Clause' },
  { name: 'et-xmlfile', licence: 'MIT AND PSF-2.0' },
  { name: 'fonttools', licence: 'MIT AND BSD-3-Clause' },
  { name: 'hypothesis', for: 'tests' },
  { name: 'idna' },
  { name: 'iniconfig', for: 'tests' },
  { name: 'jinja2', licence: 'BSD-3-Clause' },
  {
    name: 'kiwisolver',
    licence: 'BSD-3-Clause',
    recipe: { script: 'build-generic.sh', env: { SETUPTOOLS_SCM_PRETEND_VERSION: '1.5.0' } },
  },
  { name: 'markupsafe', recipe: { script: 'build-generic.sh' } },
  {
    name: 'matplotlib',
    licence: 'PSF-2.0 AND Bitstream-Vera AND FTL AND Qhull',
    linked: ['FreeType', 'Qhull', 'matplotlib-parts'],
    recipe: { script: 'build-matplotlib.sh', env: { SETUPTOOLS_SCM_PRETEND_VERSION: '3.10.8' }, needs: ['numpy'] },
  },
  { name: 'numpy', recipe: { script: 'build-numpy.sh' } },
  {
    name: 'numpy-tests',
    for: 'tests',
    testsOf: 'numpy',
    select: [
      '^numpy/conftest[.]py$',
      '^numpy/_core/_\\w+_tests[.]cpython',
      '^numpy/_core/tests/[^/]+[.]py$',
      '^numpy/_core/tests/data/[^/]+[.](pkl|fits)$',
      '^numpy/(lib|linalg|random|fft)/tests/',
    ],
  },
  { name: 'openpyxl', licence: 'MIT' },
  { name: 'packaging' },
  { name: 'pandas', licence: 'BSD-3-Clause', recipe: { script: 'build-meson.sh', needs: ['numpy'] } },
  {
    name: 'pandas-tests',
    for: 'tests',
    testsOf: 'pandas',
    select: ['^pandas/conftest[.]py$', '^pandas/tests/__init__[.]py$', '^pandas/tests/(series|frame|tslibs)/'],
  },
  {
    name: 'pillow',
    licence: 'MIT-CMU AND FTL AND IJG AND BSD-3-Clause AND Zlib',
    linked: ['FreeType', 'mozjpeg'],
    recipe: { script: 'build-pillow.sh' },
  },
  { name: 'pluggy', licence: 'MIT', for: 'tests' },
  { name: 'pydantic' },
  { name: 'pydantic-core', licence: 'MIT AND Unicode-3.0 AND Zlib', linked: ['pydantic-core-crates'], prebuilt: true },
  { name: 'pygments', for: 'tests' },
  { name: 'pyparsing' },
  { name: 'pytest', for: 'tests' },
  { name: 'python-dateutil', licence: 'Apache-2.0 OR BSD-3-Clause' },
  { name: 'pytz', licence: 'MIT' },
  { name: 'pyyaml', licence: 'MIT', recipe: { script: 'build-generic.sh', env: { PYYAML_FORCE_LIBYAML: '0' } } },
  { name: 'regex', recipe: { script: 'build-generic.sh' } },
  { name: 'requests', licence: 'Apache-2.0' },
  { name: 'six', licence: 'MIT' },
  { name: 'sortedcontainers', licence: 'Apache-2.0', for: 'tests' },
  { name: 'soupsieve' },
  { name: 'tabulate' },
  { name: 'typing-extensions' },
  { name: 'typing-inspection' },
  { name: 'tzdata', licence: 'Apache-2.0' },
  { name: 'urllib3' },
]
