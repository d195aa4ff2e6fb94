/** What the kernel has of the place where a script runs: the host starts it (a worker, a locked process) and ends it. */

/** A script's worker or process, and the port to it. */
export interface SnippetPort {
  /** The buffer may be given away. */
  send(message: Uint8Array<ArrayBuffer>): void
  /** `ended` hears why it is gone where it has ended by itself. Called once, before anything arrives. */
  listen(hear: (raw: unknown) => void, ended: (reason: string) => void): void
  /** Ends it at once, whatever it does. Idempotent. */
  end(): void
}

export interface SnippetHost {
  /** Starts one; what fails is told to `ended`. */
  startSnippet(): SnippetPort
}
