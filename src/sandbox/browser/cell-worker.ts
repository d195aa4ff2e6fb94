/**
 * Entry of a cell's worker (one classic script): takes away its own powers, proves that it has none, then starts the cell on the
 * broker port. Invariant: no guest code runs before both are done.
 */
export {}
