/** Why a call failed. The message is for the model and for people. */
export class GithubToolError extends Error {
  override name = 'GithubToolError';
}
