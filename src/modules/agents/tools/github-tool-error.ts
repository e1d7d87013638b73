/** Why a call did not do what it should; the message is for the model and for people. */
export class GithubToolError extends Error {
  override name = 'GithubToolError';
}
