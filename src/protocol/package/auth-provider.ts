/**
 * The variables in which a published tool folder finds the tokens of the provider that it names (`auth.auth_provider`, Hyperpocket's
 * names). A provider without a row has `NAME_TOKEN`, as nearly all of theirs do.
 */
import type { Secret } from '../installed-tool.ts'

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  slack: ['SLACK_BOT_TOKEN'],
  kraken: ['KRAKEN_API_KEY', 'KRAKEN_API_SECRET'],
  // Published as the one, read by the tool as the other.
  linear: ['LINEAR_API_KEY', 'LINEAR_TOKEN'],
  reddit: ['REDDIT_BOT_TOKEN'],
  valyu: ['VALYU_API_KEY'],
  x: ['X_AUTH_TOKEN'],
  apitoken: ['API_TOKEN'],
  api_token: ['API_TOKEN'],
  basicauth: ['BASIC_AUTH'],
  basic_auth: ['BASIC_AUTH'],
}

export function providerSecrets(provider: string, scopes: readonly string[]): Secret[] {
  const name = provider.toLowerCase()
  if (name === '' || name === 'none') return []
  const variables = Object.hasOwn(OTHERS, name) ? (OTHERS[name] ?? []) : [`${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_TOKEN`]
  const wanted = scopes.length > 0 ? `, with the scopes ${scopes.join(', ')}` : ''
  return variables.map((variable) => ({ name: variable, description: `a token of ${provider}${wanted}` }))
}
