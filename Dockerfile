# One image for every role: `docker build -t quillwork .`, then `docker run quillwork serve --help`.

FROM node:22-bookworm@sha256:363e1587494626837fa7f9a23bdb453d13b0ff3c67c705c2805cfc69c2d2fad7 AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages ./packages
RUN npm ci --include=dev --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim@sha256:43ac6c60b8f89723f746e8a92ce91abd5017e627ce1ddfe4238355d3a30b772c
ENV NODE_ENV=production QUILLWORK_DATA=/var/lib/quillwork
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
COPY --from=build /app/samples ./samples
COPY --from=build /app/examples/starter ./examples/starter
RUN install -d -o node -g node -m 700 /var/lib/quillwork
USER node
VOLUME /var/lib/quillwork
EXPOSE 7420
ENTRYPOINT ["node", "bin/quillwork.js"]
CMD ["serve"]
