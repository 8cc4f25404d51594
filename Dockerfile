# docker build -t klangbild . && docker run --rm -p 7860:7860 klangbild      -> http://127.0.0.1:7860
FROM python:3.11-slim
RUN useradd --create-home klangbild
WORKDIR /home/klangbild/src
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir '.[web]' && rm -rf /home/klangbild/src
ENV HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1
USER klangbild
WORKDIR /home/klangbild
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/v1/health', timeout=4)"]
# the container's own network is the wall here: publish the port, or put --auth NAME:PASSWORD behind it
CMD ["klangbild", "serve", "--host", "0.0.0.0", "--port", "7860"]
