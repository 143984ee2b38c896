// Requests of this site's own pages to its API carry the token of the page.
const token = document.querySelector('meta[name="csrf-token"]').content;

window.stockroom = {
  send(path, method, body) {
    return fetch(path, {
      method,
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
    });
  },
};
