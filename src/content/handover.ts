/**
 * How the in-page script gives the isolated world one end of its private channel: a MessageEvent, dispatched synchronously while no code
 * of the page has run yet, whose first and only listener that answers takes the port. Whichever of the two scripts comes second starts it.
 * A page that is already open when the scripts come can take part in this; it gains nothing, since the channel carries no power.
 */
export const OFFER_EVENT = 'btcp:port'
export const WANT_EVENT = 'btcp:want'
