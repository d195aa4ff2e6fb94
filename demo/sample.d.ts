export function makeRequests(count: number): string
