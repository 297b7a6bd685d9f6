# One image for every role: `docker build -t quillwork .`, then `docker run quillwork serve --help`.

FROM node:22-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --include=dev --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production QUILLWORK_DATA=/var/lib/quillwork
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
COPY --from=build /app/samples ./samples
RUN install -d -o node -g node -m 700 /var/lib/quillwork
USER node
VOLUME /var/lib/quillwork
EXPOSE 7420
ENTRYPOINT ["node", "bin/quillwork.js"]
CMD ["serve"]
