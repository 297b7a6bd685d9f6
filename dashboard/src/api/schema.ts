// Made by `npm run docs` from the API. Not to be edited.

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            status: "ok";
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics in the text format of Prometheus */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Metrics */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether tasks are taken, and what needs a look: store, broker, sweep, processes */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            checks: {
                                /** @description Absent where workers are woken within the process */
                                broker?: {
                                    /** @description It takes no messages for now: its memory or disk is low */
                                    blocked: boolean;
                                    connected: boolean;
                                    kind: string;
                                    reconnects: number;
                                    returned: number;
                                    unconfirmed: number;
                                };
                                /** @description Records with events that others were not told of yet, to 10,000, and since when the oldest waits */
                                outbox?: {
                                    lagMs: number;
                                    records: number;
                                };
                                /** @description Processes that share the store and gave a sign of life within a minute */
                                processes?: {
                                    maintenance: number;
                                    seen: number;
                                    workers: number;
                                };
                                store: {
                                    /** @description How far the clock of the store is ahead of this machine’s */
                                    clockOffsetMs: number;
                                    kind: string;
                                };
                                /** @description Since the last sweep of this process; absent where another one sweeps */
                                sweep?: {
                                    ageMs: number;
                                };
                                waiting: {
                                    /** @description How long the task has waited that could run and is next in turn */
                                    oldestMs: number;
                                };
                            };
                            /** @description What is not as it should be, and what to do */
                            reasons: string[];
                            /**
                             * @description `degraded`: tasks are taken, but something needs a look
                             * @enum {string}
                             */
                            status: "ready" | "degraded";
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description STORE_FAILED, ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What goes through the broker, and what other services may read there, as AsyncAPI */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ROUTE_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/capabilities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What this server is made of and can do */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            authentication: "none" | "bearer";
                            composition: {
                                distributed: boolean;
                                store: string;
                            };
                            lanes: {
                                lane: string;
                                slots: number;
                            }[];
                            /** @description Bytes, milliseconds and counts */
                            limits: {
                                [key: string]: number;
                            };
                            models: {
                                /** @description Tokens of prompt and answer together */
                                contextTokens?: number;
                                /** @description The uses for which it is taken where a request names no model */
                                defaultFor: string[];
                                dimensions?: number;
                                fallbacks?: {
                                    model: string;
                                    on: string[];
                                }[];
                                id: string;
                                /** @description Key of its limits */
                                limit?: string;
                                limits?: {
                                    concurrency?: number;
                                    requestsPerMinute?: number;
                                    tokensPerMinute?: number;
                                };
                                maxOutputTokens?: number;
                                /** @enum {string} */
                                method?: "extractive" | "generative";
                                /** @description Its name at the provider */
                                model: string;
                                /** @description Per million tokens */
                                price?: {
                                    currency: string;
                                    input: number;
                                    output: number;
                                };
                                /** @description Why it cannot be used; absent: it can */
                                problem?: {
                                    /** @description `KEY_NOT_SET`, `KEY_NOT_STORED`, `KEY_MALFORMED`, `KEYS_UNREADABLE`; more may come to be */
                                    cause: string;
                                    /** @description Where its key is looked for: `env:NAME` or `stored:NAME` */
                                    key: string;
                                    /** @description Why, and what to do about it */
                                    message: string;
                                };
                                /** @description Who answers; `built-in`: a part of the product, with no network */
                                provider: string;
                                /** @description What it may be used for: `prose`, `summary`, `embedding` */
                                uses: string[];
                            }[];
                            nodeId: string;
                            /** @description What is off, and why */
                            off: {
                                capability: string;
                                code: string;
                                /** @description The model that would be taken */
                                model?: string;
                                /** @description Why that model cannot be used */
                                problem?: {
                                    /** @description `KEY_NOT_SET`, `KEY_NOT_STORED`, `KEY_MALFORMED`, `KEYS_UNREADABLE`; more may come to be */
                                    cause: string;
                                    /** @description Where its key is looked for: `env:NAME` or `stored:NAME` */
                                    key: string;
                                    /** @description Why, and what to do about it */
                                    message: string;
                                };
                                /** @description What is off, what is done instead, and how to change that */
                                reason: string;
                            }[];
                            /** @description What this process does beside answering: `worker`, `maintenance` */
                            roles: string[];
                            taskTypes: {
                                attemptTimeoutMs: number;
                                deadlineMs?: number;
                                lane: string;
                                maxAttempts: number;
                                /** @description What it needs a model for, such as `prose` */
                                needs?: string;
                                /** @description Why a task that names no model would be refused, and what to do; absent: it can run */
                                off?: {
                                    code: string;
                                    /** @description The model that would be taken */
                                    model?: string;
                                    /** @description Why that model cannot be used */
                                    problem?: {
                                        /** @description `KEY_NOT_SET`, `KEY_NOT_STORED`, `KEY_MALFORMED`, `KEYS_UNREADABLE`; more may come to be */
                                        cause: string;
                                        /** @description Where its key is looked for: `env:NAME` or `stored:NAME` */
                                        key: string;
                                        /** @description Why, and what to do about it */
                                        message: string;
                                    };
                                    /** @description What is off, what is done instead, and how to change that */
                                    reason: string;
                                };
                                /** @description JSON Schema, 2020-12 */
                                parameters?: {
                                    [key: string]: unknown;
                                };
                                parametersVersion: number;
                                /** @description JSON Schema, 2020-12 */
                                progress?: {
                                    [key: string]: unknown;
                                };
                                /** @description JSON Schema, 2020-12 */
                                result?: {
                                    [key: string]: unknown;
                                };
                                type: string;
                            }[];
                            version: string;
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/chapters/{chapterId}/scenes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add an empty scene at the end of a chapter
         * @description With a summary it can be written from that by GenerateScene. With an Idempotency-Key, adding it again finds the first one.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 printable ASCII characters, bare or in quotes */
                    "idempotency-key"?: string;
                };
                path: {
                    chapterId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewScene"];
                };
            };
            responses: {
                /** @description Created */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scene"];
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description CHAPTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description CHAPTER_FULL */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description IDEMPOTENCY_KEY_REUSED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the tasks with an open dead letter, newest first */
        get: {
            parameters: {
                query?: {
                    code?: string;
                    fingerprint?: string;
                    openedAfter?: string;
                    openedBefore?: string;
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                    taskType?: string[];
                    userId?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Task"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters:purge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take all that match out of the list; the tasks stay as they ended */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DeadLetterSelection"];
                };
            };
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            done: number;
                            /** @description The first 100 */
                            failed: {
                                code: string;
                                message: string;
                                taskId: string;
                            }[];
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters:retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run all that match again; those that were open when the request began */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DeadLetterSelection"];
                };
            };
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            done: number;
                            /** @description The first 100 */
                            failed: {
                                code: string;
                                message: string;
                                taskId: string;
                            }[];
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{taskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a task with an open dead letter */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description DEAD_LETTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{taskId}:purge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Take one out of the list; the task stays as it ended */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Only if the version is still this one: `"7"` */
                    "if-match"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description REQUEST_INVALID, IF_MATCH_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description DEAD_LETTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_CHANGED */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{taskId}:retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a dead-lettered task again; its retries start anew */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Only if the version is still this one: `"7"` */
                    "if-match"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /** @description Runs with these instead; what was submitted stays with the closed dead letter */
                        parameters?: unknown;
                    };
                };
            };
            responses: {
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Tasks that run again: this one, and below it those that did not complete */
                            retried: number;
                            task: components["schemas"]["Task"];
                        };
                    };
                };
                /** @description REQUEST_INVALID, IF_MATCH_INVALID, PARAMETERS_INVALID, TASK_TYPE_UNKNOWN */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description DEAD_LETTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_RETRYABLE */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_CHANGED */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show equal failures as one line, the most frequent first */
        get: {
            parameters: {
                query?: {
                    code?: string;
                    fingerprint?: string;
                    openedAfter?: string;
                    openedBefore?: string;
                    taskType?: string[];
                    userId?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                code: string;
                                count: number;
                                fingerprint: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC
                                 */
                                firstAt: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC
                                 */
                                lastAt: string;
                                sampleTaskId: string;
                                taskType: string;
                            }[];
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/estimates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell what a task will ask of models, before it is submitted
         * @description Rather too much than too little, with all tasks below it. What a submission would refuse is refused. No call of a model is made.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description As they would be submitted; default `{}` */
                        parameters?: unknown;
                        taskType: string;
                        /** @description The owner; default the user of the request */
                        userId?: string;
                    };
                };
            };
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Estimate"];
                    };
                };
                /** @description REQUEST_INVALID, PARAMETERS_INVALID, TASK_TYPE_UNKNOWN, OPTION_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND, SCENE_NOT_FOUND, UPLOAD_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description PROVIDER_NOT_CONFIGURED, SCENE_EMPTY */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ESTIMATE_UNAVAILABLE, SUBMISSION_REFUSED, MODEL_CONTEXT_EXCEEDED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Watch all tasks */
        get: {
            parameters: {
                query?: {
                    lane?: string;
                    /** @description As the header Last-Event-ID, for a first connection */
                    lastEventId?: string;
                    parentTaskId?: string;
                    rootsOnly?: "true" | "false";
                    rootTaskId?: string;
                    taskType?: string[];
                    userId?: string;
                };
                header?: {
                    /** @description Go on after this event */
                    "last-event-id"?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Server-sent events: `task.created`, `task.updated`, `task.progress`, `task.completed`, `task.failed`, `task.cancelled`, `task.dead-lettered`; `reset` when the place to go on from is unknown or too old, or events of other processes may have been missed: read the tasks again. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TOO_MANY_STREAMS */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lanes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the lanes */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Lane"][];
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lanes/{lane}:pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start nothing more of a lane; what runs goes on */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    lane: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Lane"];
                    };
                };
                /** @description REQUEST_INVALID, LANE_UNKNOWN */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/lanes/{lane}:resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the tasks of a lane run again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    lane: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Lane"];
                    };
                };
                /** @description REQUEST_INVALID, LANE_UNKNOWN */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/novels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The shelf: the novels, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Novel"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/novels/{novelId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A novel with its outline */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    novelId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Outline"];
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description NOVEL_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Delete a novel */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    novelId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description NOVEL_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/novels/{novelId}:summarise": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Summarise the scenes of a range of chapters
         * @description With an Idempotency-Key, asking again finds the first task.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 printable ASCII characters, bare or in quotes */
                    "idempotency-key"?: string;
                };
                path: {
                    novelId: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /** @description Included; default: the last chapter */
                        endChapterId?: string;
                        maxCharacters?: number;
                        model?: string;
                        /** @description Default false: scenes that have a summary are left out */
                        overwriteExisting?: boolean;
                        /** @description Default: the first chapter */
                        startChapterId?: string;
                    };
                };
            };
            responses: {
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description REQUEST_INVALID, PARAMETERS_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description IDEMPOTENCY_KEY_REUSED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description USER_QUEUE_FULL, LANE_QUEUE_FULL */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/novels/{novelId}/chapters/{chapterId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A chapter: its scenes with their summaries, each labelled with how it came about */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    chapterId: string;
                    novelId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Chapter"];
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description CHAPTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/novels/{novelId}/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Search a novel: by words, and by meaning where its index has vectors of an embedding model */
        get: {
            parameters: {
                query: {
                    limit?: number;
                    q: string;
                };
                header?: never;
                path: {
                    novelId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Why an index with vectors was searched by words alone */
                            degraded?: {
                                message: string;
                                /** @enum {string} */
                                reason: "model-not-configured" | "model-changed" | "model-busy" | "model-failed" | "index-changed";
                            };
                            hits: {
                                chapterId: string;
                                chapterTitle: string;
                                outOfDate: boolean;
                                /** @description UTF-16 code units */
                                passage: {
                                    end: number;
                                    start: number;
                                };
                                sceneId: string;
                                score: number;
                                snippet: {
                                    marks: {
                                        end: number;
                                        start: number;
                                    }[];
                                    start: number;
                                    text: string;
                                };
                            }[];
                            /**
                             * @description What answered: hybrid is words (BM25) and the vectors of a model, joined by their ranks
                             * @enum {string}
                             */
                            index: "none" | "lexical" | "hybrid";
                            /** @description Of a hybrid answer: the model whose vectors were compared */
                            model?: string;
                            outOfDateScenes: number;
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description NOVEL_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description of the API */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/samples": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The texts that come with the server, to be imported by name */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Sample"][];
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/samples/{name}:import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import one of them as a novel
         * @description Each import makes a novel; with an Idempotency-Key, importing again finds the first one.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 printable ASCII characters, bare or in quotes */
                    "idempotency-key"?: string;
                };
                path: {
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            novelId: string;
                            taskId: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ROUTE_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description IDEMPOTENCY_KEY_REUSED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description USER_QUEUE_FULL, LANE_QUEUE_FULL */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description STORE_FULL */
                507: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenes/{sceneId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A scene with its text */
        get: {
            parameters: {
                query?: never;
                header?: {
                    "if-none-match"?: string;
                };
                path: {
                    sceneId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scene"];
                    };
                };
                /** @description The scene still has this version */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Edit a scene
         * @description If-Match names the version that was read. What somebody else changed since is not overwritten: 412. A summary that arrived meanwhile does not stand in the way of an edit of the text.
         */
        patch: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Only if the version is still this one: `"7"` */
                    "if-match"?: string;
                };
                path: {
                    sceneId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SceneEdit"];
                };
            };
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scene"];
                    };
                };
                /** @description REQUEST_INVALID, OPTION_INVALID, IF_MATCH_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_CHANGED */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description IF_MATCH_REQUIRED */
                428: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/v1/scenes/{sceneId}:restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put an entry of the history in place
         * @description What is there goes into the history; the entry stays. If-Match names the version that was read: what changed since is not overwritten, 412. The text still says which model and attempt wrote it, and that it was restored.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Only if the version is still this one: `"7"` */
                    "if-match"?: string;
                };
                path: {
                    sceneId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        entryId: string;
                    };
                };
            };
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Scene"];
                    };
                };
                /** @description REQUEST_INVALID, IF_MATCH_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_NOT_FOUND, HISTORY_ENTRY_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_CHANGED */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description IF_MATCH_REQUIRED */
                428: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenes/{sceneId}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The texts and summaries of a scene that are not in their place, newest first
         * @description What was overwritten, and what a task made from a scene that somebody edited meanwhile: `why` is `conflict` then. Kept are the newest 20 that a person wrote and 20 others, of texts and of summaries.
         */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                };
                header?: never;
                path: {
                    sceneId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["HistoryNote"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/scenes/{sceneId}/history/{entryId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An entry of the history with its whole text */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    entryId: string;
                    sceneId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["HistoryEntry"];
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SCENE_NOT_FOUND, HISTORY_ENTRY_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tasks, newest or oldest first */
        get: {
            parameters: {
                query?: {
                    createdAfter?: string;
                    createdBefore?: string;
                    lane?: string;
                    /** @description Which come first, by their submission */
                    order?: "newest" | "oldest";
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                    parentTaskId?: string;
                    /** @description Leave out sub-tasks */
                    rootsOnly?: "true" | "false";
                    status?: ("QUEUED" | "RUNNING" | "RETRYING" | "COMPLETED" | "COMPLETED_WITH_ERRORS" | "FAILED" | "DEAD_LETTER" | "CANCELLED")[];
                    tag?: string;
                    taskType?: string[];
                    userId?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Task"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Submit a task
         * @description Responds when the task is durable. With an Idempotency-Key, submitting again finds the first task.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description 1 to 255 printable ASCII characters, bare or in quotes */
                    "idempotency-key"?: string;
                    /** @description W3C trace context; kept with the task */
                    traceparent?: string;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["TaskSubmission"];
                };
            };
            responses: {
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description REQUEST_INVALID, PARAMETERS_INVALID, TASK_TYPE_UNKNOWN, LANE_UNKNOWN, OPTION_INVALID, VALUE_NOT_STORABLE */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description PROVIDER_NOT_CONFIGURED */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description SUBMISSION_REFUSED, IDEMPOTENCY_KEY_REUSED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description USER_QUEUE_FULL, LANE_QUEUE_FULL */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description STORE_FULL */
                507: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a task
         * @description The entity tag is the version. While the task lives, Retry-After says when to look again.
         */
        get: {
            parameters: {
                query?: never;
                header?: {
                    "if-none-match"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description The task still has this version */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}:cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a task and everything below it
         * @description 200: it is cancelled. 202: its running attempt was asked to stop. Cancelling again changes nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Only if the version is still this one: `"7"` */
                    "if-match"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Task"];
                    };
                };
                /** @description REQUEST_INVALID, IF_MATCH_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_ALREADY_ENDED */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_CHANGED */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}:retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run an ended task again, and below it what did not complete */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description Only if the version is still this one: `"7"` */
                    "if-match"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        /** @description Runs with these instead; what was submitted stays with the closed dead letter */
                        parameters?: unknown;
                    };
                };
            };
            responses: {
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Tasks that run again: this one, and below it those that did not complete */
                            retried: number;
                            task: components["schemas"]["Task"];
                        };
                    };
                };
                /** @description REQUEST_INVALID, IF_MATCH_INVALID, PARAMETERS_INVALID, TASK_TYPE_UNKNOWN */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_RETRYABLE */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_CHANGED */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/attempts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the attempts that ended without completing the task; the task itself tells of the last one */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                attempt: number;
                                code?: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC
                                 */
                                endedAt: string;
                                executionNodeId?: string;
                                message?: string;
                                outcome: string;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC
                                 */
                                startedAt: string;
                            }[];
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/budget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what a tree may spend, and what it has spent
         * @description The budget belongs to the root; for another task of the tree the answer names it.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["BudgetUse"];
                    };
                };
                /** @description REQUEST_INVALID, OPTION_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /**
         * Set, raise or lower what a tree may spend
         * @description Takes the place of the whole budget, also while the tree runs. Tasks that wait go on, as many as fit. The first time, what the tree has used so far counts.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Budget"];
                };
            };
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["BudgetUse"];
                    };
                };
                /** @description REQUEST_INVALID, OPTION_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Take the budget of a tree away; what waits for it goes on */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["BudgetUse"];
                    };
                };
                /** @description REQUEST_INVALID, OPTION_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/children": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the sub-tasks of a task, in the order of their submission */
        get: {
            parameters: {
                query?: {
                    /** @description Those that did not complete come first */
                    failedFirst?: "true" | "false";
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                    status?: ("QUEUED" | "RUNNING" | "RETRYING" | "COMPLETED" | "COMPLETED_WITH_ERRORS" | "FAILED" | "DEAD_LETTER" | "CANCELLED")[];
                    taskType?: string;
                };
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Task"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Watch a task and everything below it
         * @description 204: the task has ended and everything was told; do not come back.
         */
        get: {
            parameters: {
                query?: {
                    lastEventId?: string;
                };
                header?: {
                    /** @description Go on after this event */
                    "last-event-id"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Server-sent events: `task.created`, `task.updated`, `task.progress`, `task.completed`, `task.failed`, `task.cancelled`, `task.dead-lettered`; `reset` when the place to go on from is unknown or too old, or events of other processes may have been missed: read the tasks again. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/event-stream": string;
                    };
                };
                /** @description The task has ended and everything was told */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TOO_MANY_STREAMS */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the log of a task, oldest line first; the newest 1,000 lines are kept */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `sequence` of the last line seen: also to ask for what is new */
                    pageToken?: string;
                };
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC
                                 */
                                at: string;
                                attempt: number;
                                fields?: unknown;
                                /** @enum {string} */
                                level: "info" | "error";
                                message: string;
                                /** @description Rises along the log of the task */
                                sequence: number;
                            }[];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/output": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read or follow the text that a task writes while it runs
         * @description JSON with the text so far; with `Accept: text/event-stream` the text as it grows, until the task has ended. 204: the task has ended and everything was told; do not come back.
         */
        get: {
            parameters: {
                query?: {
                    /** @description As the header Last-Event-ID */
                    after?: string;
                };
                header?: {
                    accept?: string;
                    /** @description Go on after this event */
                    "last-event-id"?: string;
                };
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description As JSON, or as server-sent events: `text` with `attempt`, `sequence` and `text`; `reset` with `attempt` when a newer attempt begins to write: throw away what came before; `end` with the `status` when the task has ended. Ids are `attempt.sequence`. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Where the text ends: give it back to ask for what is new */
                            after: string;
                            /** @description The newest attempt that wrote anything; 0 when none has */
                            attempt: number;
                            /**
                             * @description Of the task; once it has ended, the text is whole
                             * @enum {string}
                             */
                            status: "QUEUED" | "RUNNING" | "RETRYING" | "COMPLETED" | "COMPLETED_WITH_ERRORS" | "FAILED" | "DEAD_LETTER" | "CANCELLED";
                            /** @description What it wrote after `after` if that is of this attempt, else all of it */
                            text: string;
                        };
                        "text/event-stream": string;
                    };
                };
                /** @description The task has ended and everything was told */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TOO_MANY_STREAMS */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{taskId}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sum what the model calls of a task used */
        get: {
            parameters: {
                query?: {
                    /** @description With all tasks below it */
                    tree?: "true" | "false";
                };
                header?: never;
                path: {
                    taskId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                calls: number;
                                cost?: number;
                                inputTokens: number;
                                model: string;
                                outputTokens: number;
                            }[];
                        };
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description TASK_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count tasks by status */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            counts: {
                                [key: string]: number;
                            };
                            total: number;
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the uploads, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Upload"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Upload a book, as it is: text, Markdown, EPUB or DOCX
         * @description The body is the file. It is written to the disk as it comes; what it holds, GET tells.
         */
        post: {
            parameters: {
                query?: {
                    /** @description Its name, which may tell the title */
                    fileName?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/epub+zip": unknown;
                    "application/octet-stream": unknown;
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": unknown;
                    "text/plain": unknown;
                };
            };
            responses: {
                /** @description Created */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Upload"];
                    };
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UPLOAD_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description STORE_FULL */
                507: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{uploadId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What an upload holds: encoding, title, volumes, chapters, warnings */
        get: {
            parameters: {
                query?: {
                    /** @description Read it in this encoding; default: the detected one */
                    encoding?: string;
                };
                header?: never;
                path: {
                    uploadId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Upload"];
                    };
                };
                /** @description REQUEST_INVALID, ENCODING_UNKNOWN, ENCODING_FIXED, TEXT_UNREADABLE */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UPLOAD_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FILE_KIND_UNSUPPORTED, FILE_PROTECTED, FILE_DAMAGED, FILE_LIMIT_EXCEEDED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Delete an upload that was not confirmed */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    uploadId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description REQUEST_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UPLOAD_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UPLOAD_CONFIRMED */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{uploadId}:confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import an upload as a novel
         * @description Confirming again answers the same task and novel.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    uploadId: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": {
                        budget?: components["schemas"]["Budget"];
                        /** @description By their numbers in the preview; default all */
                        chapters?: number[];
                        /** @description Default: the detected one */
                        encoding?: string;
                        /** @description What summarises; default: the first model for summaries, else quotations */
                        model?: string;
                        /** @description Whether every scene gets a summary; default true */
                        summarise?: boolean;
                        title?: string;
                    };
                };
            };
            responses: {
                /** @description Accepted */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            novelId: string;
                            taskId: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PARAMETERS_INVALID, OPTION_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UPLOAD_NOT_FOUND, CHAPTER_NOT_FOUND */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TIMEOUT */
                408: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description PROVIDER_NOT_CONFIGURED */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description REQUEST_TOO_LARGE */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description MEDIA_TYPE_UNSUPPORTED */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description IDEMPOTENCY_KEY_REUSED */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description USER_QUEUE_FULL */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description STORE_FULL */
                507: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sum what calls of models used
         * @description By day and task the newest come first, else the keys go up. Calls count also when their tasks are gone.
         */
        get: {
            parameters: {
                query?: {
                    /** @description At this time or later */
                    after?: string;
                    /** @description Earlier than this time */
                    before?: string;
                    by?: "task" | "user" | "subject" | "day" | "model";
                    model?: string;
                    /** @description 1 to 200; more is taken as 200 */
                    pageSize?: number;
                    /** @description `nextPageToken` of the page before, with the same filters */
                    pageToken?: string;
                    /** @description Such as the id of a novel */
                    subject?: string;
                    /** @description Of this task alone */
                    taskId?: string;
                    /** @description Of this task and all below it */
                    treeOf?: string;
                    userId?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["UsageSum"][];
                            nextPageToken?: string;
                        };
                    };
                };
                /** @description REQUEST_INVALID, PAGE_TOKEN_INVALID */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the processes that share the store and were seen within a minute */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OK */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: components["schemas"]["Worker"][];
                        };
                    };
                };
                /** @description UNAUTHENTICATED */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description FORBIDDEN */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description INTERNAL */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
                /** @description STORE_FAILED, ENGINE_STOPPED */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        "BatchGenerateScene.parameters": {
            /** @default 8000 */
            contextTokens?: number;
            endChapterId?: string;
            instructions?: string;
            length?: {
                words: number;
            } | {
                characters: number;
            };
            model?: string;
            novelId: string;
            /** @default false */
            overwriteExisting?: boolean;
            startChapterId?: string;
            style?: string;
            temperature?: number;
            tone?: string;
        };
        "BatchGenerateScene.progress": {
            conflict: number;
            failed: number;
            processed: number;
            skipped: number;
            success: number;
            total: number;
        };
        "BatchGenerateScene.result": {
            conflict: number;
            failed: number;
            failedScenes: {
                reason: string;
                sceneId: string;
            }[];
            skipped: number;
            success: number;
            total: number;
        };
        "BatchGenerateSummary.parameters": {
            endChapterId?: string;
            maxCharacters?: number;
            model?: string;
            novelId: string;
            /** @default false */
            overwriteExisting?: boolean;
            startChapterId?: string;
            style?: string;
        };
        "BatchGenerateSummary.progress": {
            conflict: number;
            failed: number;
            processed: number;
            skipped: number;
            success: number;
            total: number;
        };
        "BatchGenerateSummary.result": {
            conflict: number;
            failed: number;
            failedScenes: {
                reason: string;
                sceneId: string;
            }[];
            skipped: number;
            success: number;
            total: number;
        };
        Budget: {
            /** @description In the currency of the price list */
            cost?: number;
            /** @description Tokens in and out of all calls together */
            tokens?: number;
        };
        BudgetUse: {
            /** @description Absent: nothing limits the tree */
            budget?: {
                cost?: number;
                tokens?: number;
            };
            /** @description Estimates of calls that run */
            reserved: {
                cost: number;
                tokens: number;
            };
            rootTaskId: string;
            /** @description Of a tree that never had a budget: what its calls used */
            spent: {
                cost: number;
                tokens: number;
            };
            /** @description Tasks of the tree that wait for the budget to be raised */
            waiting: number;
        };
        Chapter: {
            characters: number;
            id: string;
            novelId: string;
            /** @description Over the whole novel, from 0 */
            position: number;
            scenes: {
                chapterId: string;
                characters: number;
                id: string;
                novelId: string;
                /** @description Within its chapter, from 0 */
                position: number;
                summary?: components["schemas"]["Summary"];
                /** @description Absent where there never was a text */
                textOrigin?: components["schemas"]["TextOrigin"];
                textVersion: number;
                title?: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                updatedAt: string;
                version: number;
                words: number;
            }[];
            summaries: number;
            title: string;
            volumeId: string;
            words: number;
        };
        DeadLetter: {
            attempt: number;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            closedAt?: string;
            error: components["schemas"]["ErrorInfo"];
            /** @description The same for equal failures */
            fingerprint: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            openedAt: string;
            /** @enum {string} */
            reason: "permanent" | "attempts-exhausted" | "crashes" | "deadline" | "unreadable";
        };
        DeadLetterSelection: {
            filter: {
                code?: string;
                fingerprint?: string;
                /** Format: date-time */
                openedAfter?: string;
                /** Format: date-time */
                openedBefore?: string;
                taskType?: string[];
                userId?: string;
            };
            /**
             * Format: date-time
             * @description As in the filter: those older than this
             */
            openedBefore?: string;
        };
        ErrorInfo: {
            /** @description What it means for the author and what to do, in English or Chinese by Accept-Language */
            authorMessage?: string;
            causes?: string[];
            code: string;
            /** @enum {string} */
            errorClass: "retryable" | "rate-limited" | "permanent" | "timeout" | "cancelled" | "lease-lost";
            message: string;
            name?: string;
            /** @description With BUDGET_EXHAUSTED: what the next call needs */
            need?: {
                cost?: number;
                tokens: number;
            };
            retryable: boolean;
        };
        Estimate: {
            byModel: {
                calls: number;
                /** @description Absent where a price is not known */
                cost?: number;
                /** @description ISO 4217 */
                currency?: string;
                inputTokens: number;
                /** @description Key of its limits */
                limit: string;
                model: string;
                outputTokens: number;
                /** @description How long the limits hold it up at least, by what is free now; 0 where they do not */
                seconds: number;
            }[];
            calls: number;
            /** @description Absent where a price is not known, or prices have several currencies */
            cost?: number;
            /** @description ISO 4217 */
            currency?: string;
            inputTokens: number;
            outputTokens: number;
            /** @description How long the limits hold it up at least, by what is free now; 0 where they do not */
            seconds: number;
        };
        "GenerateScene.parameters": {
            chapterId?: string;
            /** @default 8000 */
            contextTokens?: number;
            instructions?: string;
            length?: {
                words: number;
            } | {
                characters: number;
            };
            model?: string;
            novelId: string;
            /** @default true */
            overwriteExisting?: boolean;
            sceneId?: string;
            /** @default 20 */
            scenesBefore?: number;
            style?: string;
            summary?: string;
            temperature?: number;
            title?: string;
            tone?: string;
        };
        "GenerateScene.progress": {
            characters: number;
            done: number;
            total: number;
            words: number;
        };
        "GenerateScene.result": {
            alternativeId?: string;
            characters: number;
            conflict: boolean;
            finishReason?: string;
            model?: string;
            processingTimeMs: number;
            prompt?: {
                language: string;
                name: string;
                version: string;
            };
            sceneId: string;
            skipped: boolean;
            usage?: {
                cost?: number;
                inputTokens: number;
                outputTokens: number;
            };
            words: number;
        };
        "GenerateSummary.parameters": {
            maxCharacters?: number;
            model?: string;
            novelId: string;
            /** @default true */
            overwriteExisting?: boolean;
            sceneId: string;
            style?: string;
        };
        "GenerateSummary.result": {
            alternativeId?: string;
            characters: number;
            conflict: boolean;
            finishReason?: string;
            language?: string;
            /** @enum {string} */
            method?: "extractive" | "generative" | "person";
            model?: string;
            processingTimeMs: number;
            prompt?: {
                language: string;
                name: string;
                version: string;
            };
            sceneId: string;
            skipped: boolean;
            usage?: {
                cost?: number;
                inputTokens: number;
                outputTokens: number;
            };
        };
        HistoryEntry: {
            id: string;
            /**
             * Format: date-time
             * @description When it went into the history
             */
            keptAt: string;
            /** @description UTF-16 code units of the whole text */
            length: number;
            overwrittenBy?: components["schemas"]["Writer"];
            /** @description Absent where it was not recorded */
            provenance?: components["schemas"]["Provenance"];
            text: string;
            /** @description Of the scene that it came with; of a conflict: that its writer had read */
            version: number;
            /** @enum {string} */
            what: "text" | "summary";
            /**
             * @description `conflict`: a task made it from a scene that somebody changed meanwhile
             * @enum {string}
             */
            why: "overwritten" | "conflict";
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            writtenAt?: string;
            writtenBy?: components["schemas"]["Writer"];
        };
        HistoryNote: {
            /** @description How it begins */
            excerpt: string;
            id: string;
            /**
             * Format: date-time
             * @description When it went into the history
             */
            keptAt: string;
            /** @description UTF-16 code units of the whole text */
            length: number;
            overwrittenBy?: components["schemas"]["Writer"];
            /** @description Absent where it was not recorded */
            provenance?: components["schemas"]["Provenance"];
            /** @description Of the scene that it came with; of a conflict: that its writer had read */
            version: number;
            /** @enum {string} */
            what: "text" | "summary";
            /**
             * @description `conflict`: a task made it from a scene that somebody changed meanwhile
             * @enum {string}
             */
            why: "overwritten" | "conflict";
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            writtenAt?: string;
            writtenBy?: components["schemas"]["Writer"];
        };
        "ImportNovel.parameters": {
            chapters?: number[];
            encoding?: string;
            model?: string;
            /** @default true */
            summarise?: boolean;
            title?: string;
            uploadId: string;
        };
        "ImportNovel.progress": {
            done: number;
            /** @enum {string} */
            stage: "parsing" | "summarising" | "indexing";
            total: number;
        };
        "ImportNovel.result": {
            chapters: number;
            /** @enum {string} */
            index: "none" | "lexical" | "hybrid";
            novelId: string;
            scenes: number;
            summaries: {
                conflict: number;
                failed: number;
                skipped: number;
                success: number;
                total: number;
            };
            title: string;
            volumes: number;
            warnings: {
                chapter?: number;
                code: string;
                count?: number;
                line?: number;
                message: string;
                pages?: ({
                    /** @enum {string} */
                    kind: "cover" | "title-page" | "half-title" | "copyright" | "imprint" | "colophon" | "contents" | "illustrations" | "tables";
                } | {
                    name: string;
                })[];
            }[];
            words: number;
        };
        Lane: {
            lane: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            oldestWaitingAt?: string;
            paused: boolean;
            /** @description Attempts that this process runs */
            running: number;
            /** @description Worker slots of this process */
            slots: number;
            /** @description Tasks that wait for a slot, or for their time */
            waiting: number;
        };
        NewScene: {
            /** @description What is to happen in it */
            summary?: string;
            title?: string;
        } | null;
        Novel: {
            author?: string;
            chapters: number;
            characters: number;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            createdAt: string;
            id: string;
            language?: string;
            scenes: number;
            /** @description Scenes that have a summary, also one of an older text */
            summaries: number;
            title: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            updatedAt: string;
            volumes: number;
            words: number;
        };
        Outline: {
            author?: string;
            chapters: number;
            characters: number;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            createdAt: string;
            id: string;
            index: {
                building: boolean;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                builtAt?: string;
                /** @enum {string} */
                kind: "none" | "lexical" | "hybrid";
                outOfDateScenes: number;
                passages: number;
                /** @description Of a hybrid index: what made its vectors */
                vectors?: {
                    dimensions: number;
                    model: string;
                };
            };
            language?: string;
            outline: {
                chapters: {
                    characters: number;
                    id: string;
                    /** @description Over the whole novel, from 0 */
                    position: number;
                    summaries: number;
                    title: string;
                    volumeId: string;
                    words: number;
                }[];
                id: string;
                position: number;
                title: string;
                words: number;
            }[];
            scenes: number;
            /** @description Scenes that have a summary, also one of an older text */
            summaries: number;
            title: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            updatedAt: string;
            volumes: number;
            words: number;
        };
        "ParseFile.parameters": {
            chapters?: number[];
            encoding?: string;
            novelId: string;
            title?: string;
            uploadId: string;
        };
        "ParseFile.progress": {
            done: number;
            scenes: number;
            /** @enum {string} */
            stage: "surveying" | "reading";
            total: number;
            words: number;
        };
        "ParseFile.result": {
            chapters: number;
            novelId: string;
            scenes: number;
            title: string;
            volumes: number;
            warnings: {
                chapter?: number;
                code: string;
                count?: number;
                line?: number;
                message: string;
                pages?: ({
                    /** @enum {string} */
                    kind: "cover" | "title-page" | "half-title" | "copyright" | "imprint" | "colophon" | "contents" | "illustrations" | "tables";
                } | {
                    name: string;
                })[];
            }[];
            words: number;
        };
        Preview: {
            author?: string;
            encoding: {
                /** @description 0 to 1 */
                confidence: number;
                name: string;
            };
            title: string;
            volumes: {
                /** @description Numbered from 0 over all volumes */
                chapters: {
                    characters: number;
                    title: string;
                    words: number;
                }[];
                title: string;
            }[];
            warnings: {
                chapter?: number;
                code: string;
                count?: number;
                line?: number;
                message: string;
                /** @description The first 20 pages of the book that it is about */
                pages?: ({
                    /** @enum {string} */
                    kind: "cover" | "title-page" | "half-title" | "copyright" | "imprint" | "colophon" | "contents" | "illustrations" | "tables";
                } | {
                    name: string;
                })[];
            }[];
        };
        Problem: {
            /** @description What it means for the author and what to do, in English or Chinese by Accept-Language */
            authorMessage?: string;
            code: string;
            /** @description What was wrong this time, and what to do */
            detail: string;
            errors?: {
                code?: string;
                detail: string;
                /** @enum {string} */
                in: "body" | "query" | "path" | "header";
                /** @description JSON Pointer (RFC 6901) to the value */
                pointer: string;
            }[];
            /** @description The path of the request */
            instance: string;
            /** @description Whether the same request may succeed later */
            retryable: boolean;
            status: number;
            /** @description What the code means */
            title: string;
            traceId: string;
            /** @description `urn:quillwork:error:` and the code */
            type: string;
            /** @description With 412: the version that is there now */
            version?: number;
        };
        Provenance: {
            /** @description What the text was to tell */
            brief?: string;
            /** @description Why the model ended, in the provider's words */
            finishReason?: string;
            /**
             * @description Read from a file, picked from the text, written by a model, or by a person
             * @enum {string}
             */
            method: "imported" | "extractive" | "generative" | "person";
            model?: string;
            parameters?: {
                [key: string]: string | number | boolean;
            };
            /** @description The prompt that the model was given */
            prompt?: {
                language: string;
                name: string;
                version: string;
            };
            /** @description It was put back from the history; who wrote it first */
            restored?: {
                entryId: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                writtenAt?: string;
                writtenBy?: components["schemas"]["Writer"];
            };
            usage?: {
                cost?: number;
                inputTokens: number;
                outputTokens: number;
            };
        };
        Sample: {
            chapters: number;
            /** @description BCP 47 */
            language?: string;
            name: string;
            title: string;
            words: number;
        };
        Scene: {
            chapterId: string;
            characters: number;
            content: string;
            id: string;
            novelId: string;
            /** @description Within its chapter, from 0 */
            position: number;
            summary?: components["schemas"]["Summary"];
            /** @description Absent where there never was a text */
            textOrigin?: components["schemas"]["TextOrigin"];
            textVersion: number;
            title?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            updatedAt: string;
            version: number;
            words: number;
        };
        "SceneBrief.parameters": {
            novelId: string;
            sceneId: string;
            summary?: string;
        };
        "SceneBrief.result": {
            beats: string[];
            /** @constant */
            label: "writing brief, not generated prose";
            language: string;
            /** @constant */
            method: "extractive";
            openQuestions: string[];
            otherNames: string[];
            passages: {
                chapterId: string;
                chapterTitle: string;
                end: number;
                sceneId: string;
                start: number;
                text: string;
            }[];
            people: string[];
            places: string[];
            sceneId: string;
        };
        SceneEdit: {
            content?: string;
            /** @description An empty one removes the summary */
            summary?: string;
            title?: string;
        };
        Summary: {
            /** @description What the text was to tell */
            brief?: string;
            /** @description Why the model ended, in the provider's words */
            finishReason?: string;
            language?: string;
            /**
             * @description Picked from the text, written by a model, or by a person
             * @enum {string}
             */
            method: "extractive" | "generative" | "person";
            model?: string;
            /** @description It was made from an older text */
            outOfDate: boolean;
            parameters?: {
                [key: string]: string | number | boolean;
            };
            /** @description The prompt that the model was given */
            prompt?: {
                language: string;
                name: string;
                version: string;
            };
            /** @description It was put back from the history; who wrote it first */
            restored?: {
                entryId: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                writtenAt?: string;
                writtenBy?: components["schemas"]["Writer"];
            };
            /** @description Of an extractive one: where its sentences stand in the text */
            sentences?: {
                end: number;
                start: number;
            }[];
            text: string;
            usage?: {
                cost?: number;
                inputTokens: number;
                outputTokens: number;
            };
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            writtenAt?: string;
            writtenBy?: components["schemas"]["Writer"];
        };
        Task: {
            /** @description Number of the last attempt; 0 before the first */
            attempt: number;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            cancelRequestedAt?: string;
            deadLetter?: components["schemas"]["DeadLetter"];
            deadLetterHistory?: components["schemas"]["DeadLetter"][];
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            deadline?: string;
            depth: number;
            /** @description Whether the task has ended */
            done: boolean;
            errorInfo?: components["schemas"]["ErrorInfo"];
            executionNodeId?: string;
            failedSubTasks?: {
                key: string;
                reason: string;
                /** @enum {string} */
                status: "QUEUED" | "RUNNING" | "RETRYING" | "COMPLETED" | "COMPLETED_WITH_ERRORS" | "FAILED" | "DEAD_LETTER" | "CANCELLED";
                taskId: string;
            }[];
            id: string;
            idempotencyKey?: string;
            lane: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            lastAttemptTimestamp?: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            nextAttemptTimestamp?: string;
            /** @description In listings: values that are too large to be listed; read the task for them */
            omitted?: ("parameters" | "progress" | "result")[];
            /** @description As they were submitted; dates as RFC 3339, large integers as text */
            parameters?: unknown;
            parametersVersion: number;
            parentTaskId?: string;
            /** @enum {string} */
            phase: "executing" | "awaiting-subtasks" | "reducing";
            /** @enum {string} */
            priority: "high" | "normal";
            progress?: unknown;
            result?: unknown;
            retryCount: number;
            rootTaskId: string;
            /** @description Times that the sub-tasks were reopened by a retry */
            round: number;
            /** @enum {string} */
            status: "QUEUED" | "RUNNING" | "RETRYING" | "COMPLETED" | "COMPLETED_WITH_ERRORS" | "FAILED" | "DEAD_LETTER" | "CANCELLED";
            subTaskKey?: string;
            subTaskStatusSummary?: {
                [key: string]: number;
            };
            tags: string[];
            taskType: string;
            timestamps: {
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                completedAt?: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                createdAt: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                startedAt?: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                updatedAt: string;
            };
            traceId?: string;
            userId: string;
            version: number;
            waitingFor?: components["schemas"]["WaitingFor"];
        };
        TaskSubmission: {
            /** @description What the task and all below it may spend */
            budget?: components["schemas"]["Budget"];
            /** @description Not before this much time: milliseconds, or a text such as `10m`; at most ten years */
            delay?: number | string;
            lane?: string;
            /** @description What the task type takes; default `{}`. See `GET /v1/capabilities` */
            parameters?: unknown;
            /** @enum {string} */
            priority?: "high" | "normal";
            /**
             * Format: date-time
             * @description Not before this time, at most ten years from now; instead of `delay`
             */
            startAt?: string;
            tags?: string[];
            taskType: string;
            /** @description The owner; default the user of the request */
            userId?: string;
        };
        TextOrigin: {
            /** @description What the text was to tell */
            brief?: string;
            /** @description Why the model ended, in the provider's words */
            finishReason?: string;
            /**
             * @description Read from a file, picked from the text, written by a model, or by a person
             * @enum {string}
             */
            method: "imported" | "extractive" | "generative" | "person";
            model?: string;
            parameters?: {
                [key: string]: string | number | boolean;
            };
            /** @description The prompt that the model was given */
            prompt?: {
                language: string;
                name: string;
                version: string;
            };
            /** @description It was put back from the history; who wrote it first */
            restored?: {
                entryId: string;
                /**
                 * Format: date-time
                 * @description RFC 3339, UTC
                 */
                writtenAt?: string;
                writtenBy?: components["schemas"]["Writer"];
            };
            usage?: {
                cost?: number;
                inputTokens: number;
                outputTokens: number;
            };
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            writtenAt?: string;
            writtenBy?: components["schemas"]["Writer"];
        };
        Upload: {
            bytes: number;
            confirmation?: {
                novelId: string;
                taskId: string;
            };
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            expiresAt: string;
            fileName: string;
            id: string;
            /** @description Once it was asked for */
            preview?: components["schemas"]["Preview"];
            /** @enum {string} */
            status: "uploaded" | "confirmed";
        };
        UsageSum: {
            calls: number;
            /** @description In the currency of the price list; absent when no call has a known cost */
            cost?: number;
            inputTokens: number;
            /** @description What was asked for by `by`: an id, or a day of UTC; empty for calls that name no subject */
            key: string;
            outputTokens: number;
            /** @description Calls without a known cost, which `cost` leaves out */
            unpricedCalls: number;
        };
        "Vectorize.parameters": {
            model?: string;
            novelId: string;
        };
        "Vectorize.progress": {
            done: number;
            total: number;
        };
        "Vectorize.result": {
            dimensions?: number;
            /** @enum {string} */
            index: "none" | "lexical" | "hybrid";
            model?: string;
            novelId: string;
            passages: number;
            segments: number;
            superseded: boolean;
            usage?: {
                cost?: number;
                inputTokens: number;
                outputTokens: number;
            };
        };
        WaitingFor: {
            /** @constant */
            kind: "limit";
            /** @description Key of the rate limit */
            limit: string;
        } | {
            /** @constant */
            kind: "budget";
            /** @description The budget is that of this task */
            rootTaskId: string;
            /** @description Of a root that is read by itself: how many tasks below it wait, while its own do */
            tasks?: number;
        };
        Worker: {
            host: string;
            /** @description Worker slots by lane */
            lanes: {
                [key: string]: number;
            };
            /** @description Another one at each start of the process */
            nodeId: string;
            pid: number;
            /** @description `worker`, `maintenance`; none of a process that only submits and asks */
            roles: string[];
            /** @description Attempts that it runs */
            running: number;
            /**
             * Format: date-time
             * @description Its last sign of life, by the clock of the store
             */
            seenAt: string;
            /**
             * Format: date-time
             * @description RFC 3339, UTC
             */
            startedAt?: string;
        };
        Writer: {
            userId: string;
        } | {
            attempt: number;
            taskId: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
