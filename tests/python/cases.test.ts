// Every recorded command line with Python in it (tests/python/cases), as CPython answered it.
import { describeCases } from '../support/case-runner.ts'

describeCases('python')
