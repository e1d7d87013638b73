import { APICallError } from 'ai';

/**
 * A `fetch` that throws for each answer that is an error. Some clients of file APIs make a bare text of such an answer, in which
 * its status and its headers are lost.
 */
export function throwingFetch(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    if (response.ok) return response;
    const responseBody = await response.text();
    const url = new URL(input instanceof Request ? input.url : input);
    throw new APICallError({
      message: `The request for a file failed with status ${response.status}.`,
      // Its query may contain a permission to upload.
      url: url.origin + url.pathname,
      requestBodyValues: {},
      statusCode: response.status,
      responseHeaders: Object.fromEntries(response.headers),
      responseBody,
    });
  };
}
