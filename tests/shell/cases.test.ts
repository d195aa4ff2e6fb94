// Every recorded command line of the shell (tests/shell/cases), as bash and GNU tools answered it.
import { describeCases } from '../support/case-runner.ts'

describeCases('shell')
